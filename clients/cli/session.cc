#include "clients/cli/command.h"

namespace oxbow::cli {

void Session::Print(const Json& object) const {
  *out << object.dump(-1, ' ', false, Json::error_handler_t::replace)
       << std::endl;
}

std::string Session::ToUtf8(const std::string& bytes) {
  // The library replaces while it writes and has no other door to that.
  const std::string quoted =
      Json(bytes).dump(-1, ' ', false, Json::error_handler_t::replace);
  return Json::parse(quoted).get<std::string>();
}

}  // namespace oxbow::cli
