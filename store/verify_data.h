// Families `log`, `checkpoint`, `state` and `embedding`.
#ifndef OXBOW_STORE_VERIFY_DATA_H_
#define OXBOW_STORE_VERIFY_DATA_H_

#include "store/verify_pass.h"

namespace oxbow {

// All after VerifyMeta, which knows whose a uid is.

// Every record decodes, stands under its own key and follows the one before;
// a log's first has sequence 0 and begins where its stream's ancestry ends.
// Fills the ends of the uids' logs, which the others need.
void VerifyLogs(VerifyPass* pass);

// Every checkpoint decodes, stands under its own key, lies within its log, and
// has a state of its length and digest; every state has a checkpoint.
void VerifyCheckpoints(VerifyPass* pass);

// Every embedding decodes, stands under its own key and lies within its log.
void VerifyEmbeddings(VerifyPass* pass);

}  // namespace oxbow

#endif  // OXBOW_STORE_VERIFY_DATA_H_
