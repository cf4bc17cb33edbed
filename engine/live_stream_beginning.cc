// A live stream's part in sharing: what others have computed it takes over,
// what it has computed it offers.
#include <utility>

#include "engine/live_stream.h"

namespace oxbow {

void LiveStream::MaybeLook(Follower* follower) {
  const Position limit = LimitOf(*follower);
  if (follower->looking || follower->found.has_value() || follower->paused ||
      follower->finder == nullptr || !follower->finder->MayFind(limit)) {
    return;
  }
  follower->looking = true;
  follower->cursor->Hold();
  BeginningFinder::Ahead ahead;
  ahead.limit = limit;
  ahead.cursor_token = follower->cursor->token_offset();
  if (follower->marks.makes_timeline()) {
    ahead.spans_token = timeline_->begin_token();
    ahead.spans_byte = timeline_->begin_byte();
  }
  follower->finder->Look(
      ahead, [self = shared_from_this(), follower,
              finder = follower->finder.get()](BeginningFinder::Found found) {
        self->OnLooked(follower, finder, std::move(found));
      });
}

void LiveStream::OnLooked(Follower* follower, const BeginningFinder* finder,
                          BeginningFinder::Found found) {
  if (follower->finder.get() != finder) return;  // The seat was left meanwhile.
  follower->looking = false;
  follower->found = std::move(found);
  if (finder->over()) {
    follower->parted = true;
    follower->finder = nullptr;
  }
  MaybeTakeFound(follower);
}

void LiveStream::MaybeTakeFound(Follower* follower) {
  if (!follower->found.has_value() || !follower->cursor->standing()) return;
  if (!follower->paused) TakeFound(follower);
  follower->found.reset();
  // More may have come meanwhile.
  RaiseLimit(follower);
  if (!follower->looking) follower->cursor->Release();
}

void LiveStream::TakeFound(Follower* follower) {
  Cursor& cursor = *follower->cursor;
  const auto& checkpoint = follower->found->checkpoint;
  if (checkpoint.has_value() &&
      checkpoint->header.token_offset > cursor.token_offset() &&
      cursor.StartAt(*checkpoint).ok()) {
    follower->checkpointed_token = cursor.token_offset();
    follower->newest_checkpoint = cursor.position();
  }
  if (follower->marks.makes_timeline() &&
      cursor.token_offset() <= follower->found->spans_token) {
    timeline_->SkipTo(follower->found->spans_token,
                      follower->found->spans_byte);
  }
}

// Nobody may share what only a client says that it has read.
void LiveStream::AddBeginnings(const Follower& follower, uint64_t token,
                               const Digest& id_chain,
                               std::vector<Beginning>* beginnings) const {
  if (view_.imported() || token == 0) return;
  for (Beginning& offered : follower.marks.Offered(token, id_chain)) {
    beginnings->push_back(std::move(offered));
  }
}

}  // namespace oxbow
