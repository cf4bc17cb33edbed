// What is in a store, in words, for people who look for a fault.
#ifndef OXBOW_STORE_DESCRIBE_STORE_H_
#define OXBOW_STORE_DESCRIBE_STORE_H_

#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace oxbow {

struct DescribeOptions {
  std::string path;                // of the store
  std::string tenant = "default";  // oxbowd has no other
  std::string stream;              // empty: an overview of all
  int records_max = 100;  // log records shown, the newest; the rest is counted
};

// Writes a line for each stream, or all about one. Only looks: the store may
// be in use. Damaged values get a line of their own and are passed over.
//
// NotFound: no such store or stream. DataLoss: something was damaged. Else as
// OpenRocksStore.
absl::Status DescribeStore(const DescribeOptions& options, std::ostream& out);

}  // namespace oxbow

#endif  // OXBOW_STORE_DESCRIBE_STORE_H_
