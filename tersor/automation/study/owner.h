// Who holds a lease: a process of a machine, told apart from a later process with the same number.
#pragma once

#include <string>
#include <string_view>

namespace tersor::automation {

/// This process, as a lease names it: "1234@hostname 57-machine-and-namespace 889123". The last
/// word is the moment at which the process started, so that a number which the system gives out
/// again is somebody else.
std::string ThisProcess();

/// Whether the process that `owner` names is gone for certain: it ran on this machine, since the
/// machine was started and among the processes that we can see, and it is there no more. False
/// where we cannot know, such as for an owner on another machine.
bool IsGone(std::string_view owner);

/// For people: "process 1234 on hostname".
std::string OwnerText(std::string_view owner);

}  // namespace tersor::automation
