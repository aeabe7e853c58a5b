"""Each tool of `make check` finds a planted violation, and passes a tree without one."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path("tools").resolve()
BUILD = pathlib.Path(os.environ.get("TERSOR_BUILD", "build/dev")).resolve()


class CheckTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def plant(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def run_tool(self, tool, *arguments):
        run = subprocess.run([sys.executable, TOOLS / tool, *arguments], cwd=self.root, capture_output=True, text=True)
        self.assertEqual(run.stderr, "")
        return run.stdout, run.returncode

    def assert_finds(self, message, tool, *arguments):
        output, code = self.run_tool(tool, *arguments)
        self.assertIn(message, output)
        self.assertEqual(code, 1)

    def assert_passes(self, tool, *arguments):
        self.assertEqual(self.run_tool(tool, *arguments), ("", 0))


class Layers(CheckTest):
    TABLE = "layer base:\nlayer ir: base\nheader zlib.h in tersor/ir/*.cc\n"
    CMAKE = "tersor_layer(base LIBS x)\ntersor_layer(ir DEPS base\n  LIBS x::y z)\n"

    def setUp(self):
        super().setUp()
        self.plant("tools/layers.txt", self.TABLE)
        self.plant("CMakeLists.txt", self.CMAKE)
        self.plant("tersor/base/status.h", "#include <vector>\n#include <stdint.h>\n")
        self.plant("tersor/ir/graph.h", '#include "tersor/base/status.h"\n')
        self.plant("tersor/ir/graph.cc", '#include "tersor/ir/graph.h"\n#include <zlib.h>\n')

    def test_a_good_tree_passes(self):
        self.assert_passes("check_layers")

    def test_an_upward_include(self):
        self.plant("tersor/base/file.cc", '// one\n#include "tersor/ir/graph.h"\n')
        self.assert_finds("tersor/base/file.cc:2: base may not include ir (tersor/ir/graph.h)", "check_layers")

    def test_a_library_in_a_header_of_ours(self):
        self.plant("tersor/ir/text.h", "#include <zlib.h>\n")
        self.assert_finds("tersor/ir/text.h:1: zlib.h may not be included here", "check_layers")

    def test_a_library_in_another_folder(self):
        self.plant("tersor/base/file.cc", '#include "zlib.h"\n')
        self.assert_finds("tersor/base/file.cc:1: zlib.h may not be included here", "check_layers")

    def test_a_library_that_no_line_names(self):
        self.plant("tersor/ir/text.cc", "#  include <boost/any.hpp>\n")
        self.assert_finds("tersor/ir/text.cc:1: boost/any.hpp may not be included here", "check_layers")

    def test_a_header_that_is_not_there(self):
        self.plant("tersor/ir/text.cc", '#include "tersor/base/gone.h"\n')
        self.assert_finds("tersor/ir/text.cc:1: there is no tersor/base/gone.h", "check_layers")

    def test_a_folder_that_is_no_layer(self):
        self.plant("tersor/extra/a.h", "")
        self.assert_finds("tersor/extra/a.h: tersor/extra is no layer", "check_layers")

    def test_a_table_that_points_up(self):
        self.plant("tools/layers.txt", "layer base: ir\nlayer ir: base\n")
        self.assert_finds("base names ir, which is no layer above it", "check_layers")

    def test_a_build_that_links_otherwise(self):
        self.plant("CMakeLists.txt", "tersor_layer(base)\ntersor_layer(ir)\n")
        self.assert_finds("CMakeLists.txt: layer ir depends on []", "check_layers")

    def test_a_build_whose_tests_link_otherwise(self):
        self.plant("CMakeLists.txt", self.CMAKE.replace("DEPS base", "DEPS base TEST_DEPS base"))
        self.assert_finds("CMakeLists.txt: layer ir is tested with ['base'], tools/layers.txt says []", "check_layers")

    def test_an_arrow_that_no_file_uses(self):
        self.plant("tersor/ir/graph.h", "")
        self.assert_finds("tools/layers.txt: ir may include base, but no file of it that is not a test does", "check_layers")

    def test_a_use_by_tests_alone_does_not_keep_an_arrow(self):
        self.plant("tersor/ir/graph.h", "")
        self.plant("tersor/ir/graph_test.cc", '#include "tersor/base/status.h"\n')
        self.assert_finds("tools/layers.txt: ir may include base, but no file of it that is not a test does", "check_layers")

    def test_tests_may_include_more_than_their_layer(self):
        three = "layer base:\nlayer ir: base\nlayer data: base\n{}header zlib.h in tersor/ir/*.cc\n"
        self.plant("tersor/data/set.h", '#include "tersor/base/status.h"\n')
        self.plant("tersor/data/set_test.cc", '#include "tersor/ir/graph.h"\n')
        cmake = self.CMAKE + "tersor_layer(data DEPS base{})\n"
        self.plant("tools/layers.txt", three.format(""))
        self.plant("CMakeLists.txt", cmake.format(""))
        self.assert_finds("tersor/data/set_test.cc:1: data may not include ir", "check_layers")
        self.plant("tools/layers.txt", three.format("tests data: ir\n"))
        self.plant("CMakeLists.txt", cmake.format(" TEST_DEPS ir"))
        self.assert_passes("check_layers")
        self.plant("tersor/data/set_test.cc", "")
        self.assert_finds("tools/layers.txt: tests of data may include ir, but none does", "check_layers")
        self.plant("tersor/data/set.cc", '#include "tersor/ir/graph.h"\n')
        self.assert_finds("tersor/data/set.cc:1: data may not include ir", "check_layers")


class Files(CheckTest):
    def test_a_good_tree_passes(self):
        self.plant("tersor/a.cc", "int a;\n" * 500)
        self.plant("docs/a.md", "See https://arxiv.org/abs/2106.08962 and ../shared/data, build/work/x.\n")
        self.assert_passes("check_files")

    def test_a_long_file(self):
        self.plant("tersor/a.cc", "int a;\n" * 501)
        self.assert_finds("tersor/a.cc: 501 lines, the limit is 500", "check_files")

    def test_a_path_of_one_machine(self):
        for path in ("/" + "work/models", "'/" + "home/ann/x'", "(/" + "root/x)"):
            self.plant("docs/a.md", f"one\nsee {path}\n")
            self.assert_finds("docs/a.md:2: a path of one machine", "check_files")

    def test_an_address_of_a_registry(self):
        self.plant("scripts/a", "pip install --index-url https:" + "//registry.invalid/simple x\n")
        self.assert_finds("scripts/a:1: an address that is none of a paper", "check_files")

    def test_a_name_in_another_style(self):
        self.plant("tersor/MyFile.cc", "")
        self.assert_finds("tersor/MyFile.cc: a source's name is lower case", "check_files")


@unittest.skipUnless(shutil.which("clang-format"), "clang-format is not installed (scripts/setup check)")
class Format(CheckTest):
    def setUp(self):
        super().setUp()
        self.plant(".clang-format", "BasedOnStyle: Google\n")

    def test_a_good_tree_passes(self):
        self.plant("tersor/a.cc", "int a;\n")
        self.plant("tersor/list.inc", "ROW(a,b)\n")
        self.assert_passes("check_format")

    def test_another_format(self):
        self.plant("tersor/a.cc", "int  a ;\n")
        self.assert_finds("tersor/a.cc: not in the house format", "check_format")


@unittest.skipUnless(shutil.which("clang-tidy"), "clang-tidy is not installed (scripts/setup check)")
class Lint(CheckTest):
    def setUp(self):
        super().setUp()
        shutil.copy(TOOLS.parent / ".clang-tidy", self.root)

    def source(self, text):
        self.plant("tersor/a.cc", text)
        file = str(self.root / "tersor/a.cc")
        self.plant("build/compile_commands.json", json.dumps(
            [{"directory": str(self.root), "file": file, "command": f"c++ -std=c++20 -Wall -c {file}"}]))

    def test_clean_code_passes_and_is_not_checked_again(self):
        self.source("int Twice(int a) { return 2 * a; }\n")
        self.assert_passes("check_lint", "build")
        self.assertEqual(len(list((self.root / "build/lint").iterdir())), 1)

    def test_a_bug(self):
        self.source("int Sign(int a) {\n  if (a > 0)\n    return 1;\n  else\n    return 1;\n}\n")
        self.assert_finds("tersor/a.cc:2:3: error: if with identical then and else branches", "check_lint", "build")


@unittest.skipUnless((BUILD / "tools/tersor_docs").exists(), "tersor_docs is not built")
class GeneratedDocs(CheckTest):
    def test_written_pages_are_fresh_and_a_changed_one_is_not(self):
        self.assert_passes("generated_docs", "write", BUILD)
        self.assert_passes("generated_docs", "check", BUILD)
        page = self.root / "docs/generated/operators.md"
        page.write_text(page.read_text() + "more\n")
        self.assert_finds("docs/generated/operators.md: not fresh", "generated_docs", "check", BUILD)

    def test_a_page_that_nothing_makes(self):
        self.assert_passes("generated_docs", "write", BUILD)
        self.plant("docs/generated/old.md", "")
        self.assert_finds("docs/generated/old.md: not fresh", "generated_docs", "check", BUILD)



class Symbols(CheckTest):
    TABLE = "namespace t { struct Loops { int (*f)(int); }; extern const Loops kAvx2Loops; }\n"

    def compile(self, text):
        self.plant("x86_avx2.cc", self.TABLE + text)
        command = ["c++", "-std=c++20", "-O1", "-o", "x86_avx2.cc.o", "-c", "x86_avx2.cc"]
        subprocess.run(command, cwd=self.root, check=True)
        entry = {"directory": str(self.root), "file": str(self.root / "x86_avx2.cc"), "arguments": command}
        self.plant("build/compile_commands.json", json.dumps([entry]))

    def test_a_table_is_all_that_a_level_may_export(self):
        self.compile("namespace { int F(int x) { return x + 1; } }\nconst t::Loops t::kAvx2Loops = {F};\n")
        self.assert_passes("check_symbols", "build")

    def test_a_weak_symbol_is_found(self):
        self.compile("inline int F(int x) { return x + 1; }\nconst t::Loops t::kAvx2Loops = {F};\n")
        self.assert_finds("x86_avx2.cc: weak symbol F(int)", "check_symbols", "build")

    def test_a_function_with_outside_linkage_is_found(self):
        self.compile("int F(int x) { return x + 1; }\nconst t::Loops t::kAvx2Loops = {F};\n")
        self.assert_finds("x86_avx2.cc: external symbol F(int)", "check_symbols", "build")

    def test_other_data_is_found(self):
        self.compile("extern const int kSize = 3;\n")
        self.assert_finds("x86_avx2.cc: external symbol kSize", "check_symbols", "build")

    def test_an_object_that_was_not_built_is_found(self):
        self.compile("")
        (self.root / "x86_avx2.cc.o").unlink()
        self.assert_finds("x86_avx2.cc: not built", "check_symbols", "build")

    def test_a_build_without_such_files_is_found(self):
        self.plant("build/compile_commands.json", "[]")
        self.assert_finds("no file is compiled for a CPU level", "check_symbols", "build")

if __name__ == "__main__":
    unittest.main()
