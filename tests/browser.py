"""A headless Chromium that a test opens pages in: commands and events go through a pair of pipes (--remote-debugging-pipe)."""
import collections
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
TIMEOUT_S = 60


class Browser:
    """One page. Use as a context manager; `errors` and `requests` collect what the page says and asks for."""

    def __init__(self, width=1200, height=1400):
        self.errors = []  # texts of the console, and of exceptions that nobody caught
        self.requests = []  # addresses
        self.next_id = 0
        self.answers = {}
        self.events = collections.Counter()
        self.buffer = b""
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        child_in, self.to_child = os.pipe()
        self.from_child, child_out = os.pipe()

        def connect():  # the browser reads from descriptor 3 and writes to 4
            high_in, high_out = (fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (child_in, child_out))
            os.dup2(high_in, 3)
            os.dup2(high_out, 4)

        command = [CHROMIUM, "--headless", "--remote-debugging-pipe", f"--user-data-dir={self.profile.name}", "--disable-gpu",
                   "--disable-dev-shm-usage", "--no-first-run", f"--window-size={width},{height}"]
        if os.geteuid() == 0:
            command.append("--no-sandbox")  # the sandbox does not work for root
        self.process = subprocess.Popen(command, close_fds=False, preexec_fn=connect, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(child_in)
        os.close(child_out)
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.to_child)
        os.close(self.from_child)
        self.profile.cleanup()

    def call(self, method, **parameters):
        self.next_id += 1
        message = {"id": self.next_id, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_child, json.dumps(message).encode() + b"\0")
        this = self.next_id
        self.wait_until(lambda: this in self.answers, method)
        answer = self.answers.pop(this)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def wait_until(self, condition, what):
        until = time.monotonic() + TIMEOUT_S
        while not condition():
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.from_child], [], [], left)[0]:
                raise TimeoutError(f"the browser gave no answer to {what} in {TIMEOUT_S} s")
            data = os.read(self.from_child, 1 << 20)
            if not data:
                raise RuntimeError(f"the browser ended during {what}")
            *messages, self.buffer = (self.buffer + data).split(b"\0")
            for message in messages:
                self.take(json.loads(message))

    def take(self, message):
        if "id" in message:
            self.answers[message["id"]] = message
            return
        event, details = message["method"], message.get("params", {})
        self.events[event] += 1
        if event == "Runtime.consoleAPICalled":
            self.errors.append(" ".join(str(argument.get("value")) for argument in details["args"]))
        elif event == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(details["exceptionDetails"]))
        elif event == "Log.entryAdded":
            self.errors.append(details["entry"]["text"])
        elif event == "Network.requestWillBeSent":
            self.requests.append(details["request"]["url"])

    def open(self, path):
        loads = self.events["Page.loadEventFired"]
        self.call("Page.navigate", url=path.as_uri())
        self.wait_until(lambda: self.events["Page.loadEventFired"] > loads, "a page that loads")

    def evaluate(self, expression):
        """The value of a JavaScript expression."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def place_of(self, selector):
        """The middle of an element, in the window, to which the page is scrolled."""
        return self.evaluate(f"""(() => {{
            const element = document.querySelector({json.dumps(selector)});
            element.scrollIntoView({{block: 'center', behavior: 'instant'}});
            const box = element.getBoundingClientRect();
            return {{x: box.x + box.width / 2, y: box.y + box.height / 2}};
        }})()""")

    def hover(self, selector):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", **self.place_of(selector))

    def click(self, selector):
        place = self.place_of(selector)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="none" if kind == "mouseMoved" else "left",
                      clickCount=0 if kind == "mouseMoved" else 1, **place)

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def choose(self, selector, value):
        """Chooses an option of a select, as a person's choice would."""
        self.evaluate(f"""(() => {{
            const select = document.querySelector({json.dumps(selector)});
            select.value = {json.dumps(value)};
            select.dispatchEvent(new Event('change', {{bubbles: true}}));
        }})()""")

    def emulate(self, media="", **features):
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": name.replace("_", "-"), "value": value} for name, value in features.items()])
