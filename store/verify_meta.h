// Family `meta`: streams, names, uids, results, properties.
#ifndef OXBOW_STORE_VERIFY_META_H_
#define OXBOW_STORE_VERIFY_META_H_

#include "store/verify_pass.h"

namespace oxbow {

// Reads the whole family: every value decodes; a name and its stream lead to
// each other; a uid is a stream's or waits for a sweep, not both; every uid is
// below the limit; a result belongs to a uid that is there. Fills the pass's
// uids.
void VerifyMeta(VerifyPass* pass);

// Every stream's ancestry: uids that are there, logs that reach as far as it
// says, one behind the other, and the checkpoint of an imported beginning.
// After VerifyMeta and VerifyLogs.
void VerifyAncestry(VerifyPass* pass);

}  // namespace oxbow

#endif  // OXBOW_STORE_VERIFY_META_H_
