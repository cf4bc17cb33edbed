#include "engine/log_view.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "engine/error_reason.h"
#include "engine/measure_record.h"
#include "engine/token_feed.h"

namespace oxbow {
namespace {

// Bytes read at a time where a reading is not bounded by its caller.
constexpr size_t kPageBytes = 256 << 10;

LogEvent TextEvent(const LogRecord& record, Position from, Position limit) {
  const uint64_t begin = std::max(record.begin.byte_offset, from.byte_offset);
  const uint64_t end = std::min(record.End().byte_offset, limit.byte_offset);
  LogEvent event;
  event.text =
      record.text.substr(begin - record.begin.byte_offset, end - begin);
  event.end = {end, 0};
  return event;
}

absl::StatusOr<LogEvent> IdsEvent(const LogRecord& record,
                                  const Tokenizer& tokenizer, Position from,
                                  Position limit) {
  LogEvent event;
  event.kind = LogEvent::Kind::kIds;
  Position at = record.begin;
  event.end = at;
  for (int id : record.ids) {
    const Position end = AfterId(tokenizer, at, id);
    if (limit < end) {
      if (limit.byte_offset > at.byte_offset) {
        return WithReason(
            absl::OutOfRangeError(absl::StrCat(
                "byte ", limit.byte_offset, " lies inside a token that was ",
                "given as an id: its neighbours are bytes ", at.byte_offset,
                " and ", end.byte_offset)),
            "INSIDE_TOKEN",
            {{"byte_before", absl::StrCat(at.byte_offset)},
             {"byte_after", absl::StrCat(end.byte_offset)}});
      }
      break;
    }
    at = end;
    if (from < end) event.ids.push_back(id);
    event.end = at;
  }
  return event;
}

// The log passes `limit` without standing there: it counts more tokens of no
// bytes than there are.
absl::Status NoSuchPlace(Position limit) {
  return WithReason(absl::OutOfRangeError(absl::StrCat(
                        "the stream has no ", limit.zero_byte_tokens,
                        " tokens of no bytes at byte ", limit.byte_offset)),
                    "NO_SUCH_PLACE");
}

absl::Status EndsEarly(Position reached, Position limit) {
  return absl::DataLossError(absl::StrCat(
      "the stream's log ends at byte ", reached.byte_offset, ", before byte ",
      limit.byte_offset, " that it acknowledged"));
}

// A record of ids as the text they stand for.
LogRecord AsText(const LogRecord& record, const Tokenizer& tokenizer) {
  LogRecord text = record;
  text.kind = LogRecord::Kind::kText;
  text.text = Detokenize(tokenizer, record.ids);
  text.ids.clear();
  return text;
}

absl::StatusOr<LogEvent> EventOf(const LogRecord& record,
                                 const Tokenizer& tokenizer, IdsAre ids_are,
                                 Position from, Position limit) {
  if (record.kind == LogRecord::Kind::kText) {
    return TextEvent(record, from, limit);
  }
  if (ids_are == IdsAre::kIds) {
    return IdsEvent(record, tokenizer, from, limit);
  }
  LogEvent event = TextEvent(AsText(record, tokenizer), from, limit);
  // Tokens of no bytes at the end are passed, too.
  event.end = std::min(record.End(), limit);
  return event;
}

// Turns one record into an event and moves `place` behind it.
absl::Status AddRecord(const LogRecord& record, const Tokenizer& tokenizer,
                       IdsAre ids_are, Position limit, LogPlace* place,
                       std::vector<LogEvent>* events) {
  if (record.End() <= place->position) {
    place->after_sequence = record.sequence;
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(LogEvent event,
                   EventOf(record, tokenizer, ids_are, place->position, limit));
  if (event.end != std::min(record.End(), limit)) return NoSuchPlace(limit);
  place->position = event.end;
  // A record cut at the limit is read again by whoever goes on from there.
  if (record.End() <= limit) place->after_sequence = record.sequence;
  if (!event.text.empty() || !event.ids.empty()) {
    events->push_back(std::move(event));
  }
  return absl::OkStatus();
}

// Moves to the next part; false if the view has no more.
bool NextPart(const LogView& view, IdsAre ids_are, LogPlace* place,
              std::vector<LogEvent>* events) {
  if (place->part + 1 >= view.parts().size()) return false;
  if (view.parts()[place->part].seam_at_end && ids_are == IdsAre::kIds) {
    LogEvent seam;
    seam.kind = LogEvent::Kind::kSeam;
    seam.end = place->position;
    events->push_back(seam);
  }
  ++place->part;
  place->after_sequence.reset();
  return true;
}

size_t ContentBytes(const LogEvent& event) {
  return event.text.size() + event.ids.size() * sizeof(int);
}

}  // namespace

LogView::LogView(const StreamRecord& record)
    : lead_(record.plan.prefix), lead_reader_(record.plan.prefix_reader) {
  Position begin;
  for (const Segment& segment : record.ancestry) {
    parts_.push_back({segment.uid, begin, segment.end, segment.seam_at_end,
                      segment.imported_tokens});
    begin = segment.end;
  }
  parts_.push_back({record.uid, begin, absl::nullopt, false, absl::nullopt});
}

std::vector<Segment> LogView::AncestryOfFork(Position position,
                                             bool seam) const {
  std::vector<Segment> ancestry;
  for (const Part& part : parts_) {
    const bool is_last = !part.end.has_value() || position <= *part.end;
    if (!is_last) {
      ancestry.push_back(
          {part.uid, *part.end, part.seam_at_end, part.imported_tokens});
      continue;
    }
    // A seam that stands exactly here stays.
    const bool seam_here =
        part.end.has_value() && position == *part.end && part.seam_at_end;
    if (part.begin < position || ancestry.empty()) {
      ancestry.push_back(
          {part.uid, position, seam || seam_here, part.imported_tokens});
    } else if (seam) {
      ancestry.back().seam_at_end = true;
    }
    break;
  }
  return ancestry;
}

LogPlace LogView::Begin(Position position) const {
  LogPlace place;
  place.position = position;
  while (place.part + 1 < parts_.size() && *parts_[place.part].end < position) {
    ++place.part;
  }
  return place;
}

absl::StatusOr<std::vector<LogEvent>> ReadEvents(
    StreamStore& store, const Tokenizer& tokenizer, const LogView& view,
    IdsAre ids_are, Position limit, size_t bytes_max, LogPlace* place) {
  std::vector<LogEvent> events;
  size_t bytes = 0;
  while (true) {
    const LogView::Part& part = view.parts()[place->part];
    const Position part_limit =
        part.end.has_value() ? std::min(*part.end, limit) : limit;
    if (part_limit <= place->position) {
      // A seam at the limit belongs to what was asked for.
      const bool part_ends = part.end == place->position;
      if (!part_ends || !NextPart(view, ids_are, place, &events)) break;
      continue;
    }
    if (bytes >= bytes_max) break;
    ASSIGN_OR_RETURN(const std::vector<LogRecord> records,
                     store.ReadLog(part.uid, place->position.byte_offset,
                                   place->after_sequence, bytes_max - bytes));
    if (records.empty()) return EndsEarly(place->position, part_limit);
    for (const LogRecord& record : records) {
      if (part_limit <= place->position) break;
      const size_t before = events.size();
      RETURN_IF_ERROR(
          AddRecord(record, tokenizer, ids_are, part_limit, place, &events));
      if (events.size() > before) bytes += ContentBytes(events.back());
    }
  }
  return events;
}

namespace {

absl::Status PastEnd(absl::string_view unit, uint64_t asked, uint64_t end) {
  return WithReason(
      absl::OutOfRangeError(absl::StrCat("the stream ends at ", unit, " ", end,
                                         ", before ", unit, " ", asked)),
      "PAST_END", {{absl::StrCat(unit, "_end"), absl::StrCat(end)}});
}

// Every savepoint a stream can name, its ancestors' included.
absl::StatusOr<Position> FindSavepoint(StreamStore& store, const LogView& view,
                                       const std::string& label) {
  for (auto part = view.parts().rbegin(); part != view.parts().rend(); ++part) {
    ASSIGN_OR_RETURN(const std::vector<CheckpointHeader> headers,
                     store.ListCheckpoints(part->uid, "generator"));
    for (const CheckpointHeader& header : headers) {
      for (const Savepoint& savepoint : header.savepoints) {
        const bool shared =
            !part->end.has_value() || savepoint.position <= *part->end;
        if (savepoint.label == label && shared) return savepoint.position;
      }
    }
  }
  return WithReason(absl::NotFoundError(absl::StrCat(
                        "the stream has no savepoint '", label, "'")),
                    "NO_SAVEPOINT");
}

// The nearest checkpoint of the generator at or before a token.
absl::StatusOr<CheckpointHeader> NearestToken(StreamStore& store,
                                              const LogView& view,
                                              const Tokenizer& tokenizer,
                                              uint64_t token) {
  CheckpointHeader nearest;
  for (const LogView::Part& part : view.parts()) {
    ASSIGN_OR_RETURN(const std::vector<CheckpointHeader> headers,
                     store.ListCheckpoints(part.uid, "generator"));
    for (const CheckpointHeader& header : headers) {
      const uint64_t tail = part.seam_at_end ? 0 : tokenizer.longest_piece();
      const bool shared =
          !part.end.has_value() ||
          (header.position <= *part.end &&
           header.position.byte_offset + tail <= part.end->byte_offset);
      if (shared && header.token_offset <= token &&
          header.token_offset > nearest.token_offset) {
        nearest = header;
      }
    }
  }
  return nearest;
}

// The end of token `token`, the `index`-th of those decided.
absl::StatusOr<Position> EndOfToken(const std::deque<FedToken>& decided,
                                    size_t index, uint64_t token) {
  if (decided[index].ends_unit) return decided[index].end;
  size_t before = index;
  while (before > 0 && !decided[before - 1].ends_unit) --before;
  size_t after = index;
  while (!decided[after].ends_unit) ++after;
  const uint64_t token_before = token - 1 - (index - before);
  const uint64_t token_after = token + (after - index);
  return WithReason(absl::OutOfRangeError(absl::StrCat(
                        "token ", token,
                        " ends inside a word, which the tokenizer reads as "
                        "a whole: its neighbours are tokens ",
                        token_before, " and ", token_after)),
                    "INSIDE_WORD",
                    {{"token_before", absl::StrCat(token_before)},
                     {"token_after", absl::StrCat(token_after)}});
}

absl::StatusOr<Position> ResolveToken(StreamStore& store,
                                      const Tokenizer& tokenizer,
                                      const LogView& view, uint64_t token,
                                      Position durable) {
  if (token < view.begin_tokens()) return BeforeImport(view);
  ASSIGN_OR_RETURN(const CheckpointHeader nearest,
                   NearestToken(store, view, tokenizer, token));
  if (nearest.token_offset < view.begin_tokens()) return ImportLost(view);
  if (nearest.token_offset == token) return nearest.position;
  uint64_t left = token - nearest.token_offset;
  const absl::string_view lead =
      nearest.token_offset == 0 ? view.LeadOf("generator") : "";
  TokenFeed feed(&tokenizer, nearest.position, lead);
  LogPlace place = view.Begin(nearest.position);
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<LogEvent> events,
                     ReadEvents(store, tokenizer, view, IdsAre::kIds, durable,
                                kPageBytes, &place));
    if (events.empty()) return PastEnd("token", token, token - left);
    for (const LogEvent& event : events) {
      Feed(event, &feed);
      if (feed.decided().size() >= left) {
        return EndOfToken(feed.decided(), left - 1, token);
      }
      left -= feed.decided().size();
      feed.Take(feed.decided().size());
    }
  }
}

// Fails if a byte lies inside an id.
absl::Status CheckByte(StreamStore& store, const Tokenizer& tokenizer,
                       const LogView& view, Position position) {
  const LogView::Part& part = view.parts()[view.Begin(position).part];
  if (position <= part.begin) return absl::OkStatus();  // A fork's point.
  ASSIGN_OR_RETURN(const std::vector<LogRecord> records,
                   store.ReadLog(part.uid, position.byte_offset, absl::nullopt,
                                 /*bytes_max=*/1));
  for (const LogRecord& record : records) {
    if (record.kind == LogRecord::Kind::kTokens && record.begin < position &&
        position < record.End()) {
      RETURN_IF_ERROR(
          IdsEvent(record, tokenizer, record.begin, position).status());
    }
  }
  return absl::OkStatus();
}

}  // namespace

void Feed(const LogEvent& event, TokenFeed* feed) {
  switch (event.kind) {
    case LogEvent::Kind::kText:
      return feed->AddText(event.text);
    case LogEvent::Kind::kIds:
      return feed->AddIds(event.ids);
    case LogEvent::Kind::kSeam:
      return feed->AddSeam();
  }
}

absl::Status BeforeImport(const LogView& view) {
  const std::string byte = absl::StrCat(view.begin().byte_offset);
  const std::string token = absl::StrCat(view.begin_tokens());
  return WithReason(absl::OutOfRangeError(absl::StrCat(
                        "the stream was imported as a state at byte ", byte,
                        ", token ", token, ": what came before is not here")),
                    "BEFORE_IMPORT",
                    {{"byte_begin", byte}, {"token_begin", token}});
}

absl::Status ImportLost(const LogView& view) {
  return absl::DataLossError(absl::StrCat(
      "the state that the stream was imported as, at token ",
      view.begin_tokens(), ", is damaged or gone, and nothing can replace it"));
}

absl::StatusOr<Position> ResolveAt(StreamStore& store,
                                   const Tokenizer& tokenizer,
                                   const LogView& view, const At& at,
                                   Position durable) {
  switch (at.kind) {
    case At::Kind::kHead:
      return durable;
    case At::Kind::kByte: {
      if (at.offset > durable.byte_offset) {
        return PastEnd("byte", at.offset, durable.byte_offset);
      }
      const Position position{at.offset, 0};
      if (position < view.begin()) return BeforeImport(view);
      RETURN_IF_ERROR(CheckByte(store, tokenizer, view, position));
      return position;
    }
    case At::Kind::kToken:
      if (at.offset == 0 && !view.imported()) return Position{};
      return ResolveToken(store, tokenizer, view, at.offset, durable);
    case At::Kind::kLabel:
      return FindSavepoint(store, view, at.label);
    case At::Kind::kPosition:
      if (durable < at.position) {
        return PastEnd("byte", at.position.byte_offset, durable.byte_offset);
      }
      if (at.position < view.begin()) return BeforeImport(view);
      return at.position;
  }
  OXBOW_CHECK(false) << "no such kind of point";
  return absl::InternalError("unreachable");
}

}  // namespace oxbow
