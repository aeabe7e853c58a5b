// The deployable runtime explains nothing, so its tables hold no documentation.
#pragma once

/// `text` where the program can be asked for it (the workbench), else an empty string.
#if defined(TERSOR_WORKBENCH)
#define TERSOR_DOC(text) text
#else
#define TERSOR_DOC(text) ""
#endif
