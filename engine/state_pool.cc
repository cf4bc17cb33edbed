#include "engine/state_pool.h"

#include <algorithm>

namespace oxbow {
namespace {

// Whether it was in the queue.
bool Remove(PoolMember* member, std::deque<PoolMember*>* queue) {
  const auto found = std::find(queue->begin(), queue->end(), member);
  if (found == queue->end()) return false;
  queue->erase(found);
  return true;
}

}  // namespace

void StatePool::Want(PoolMember* member, SeatFor reason) {
  const auto waits = [member](const std::deque<PoolMember*>& queue) {
    return std::find(queue.begin(), queue.end(), member) != queue.end();
  };
  if (waits(for_answer_)) return;
  if (reason == SeatFor::kAnswer) {
    Remove(member, &for_text_);
    for_answer_.push_back(member);
  } else if (!waits(for_text_)) {
    for_text_.push_back(member);
  }
}

void StatePool::Leave(PoolMember* member) {
  Remove(member, &for_answer_);
  Remove(member, &for_text_);
  seated_.erase(
      std::remove_if(seated_.begin(), seated_.end(),
                     [member](const Seat& s) { return s.member == member; }),
      seated_.end());
}

void StatePool::Turn() {
  GetPausedUp();
  while (waiting() > 0) {
    if (seated_.size() >= seats_max_ && !FreeSeat()) return;
    std::deque<PoolMember*>* const queue = NextQueue();
    PoolMember* const next = queue->front();
    if (!next->Sit()) {
      // Others have the slots.
      if (!FreeSeat()) return;
      continue;
    }
    queue->pop_front();
    text_is_next_ = queue == &for_answer_;
    seated_.push_back({next});
  }
}

std::deque<PoolMember*>* StatePool::NextQueue() {
  if (for_answer_.empty()) return &for_text_;
  if (for_text_.empty()) return &for_answer_;
  return text_is_next_ ? &for_text_ : &for_answer_;
}

bool StatePool::FreeSeat() {
  if (GetOneUp(/*held_too=*/true)) return true;
  Pause();
  return GetPausedUp();
}

bool StatePool::MakeRoom() { return GetOneUp(/*held_too=*/false); }

bool StatePool::GetPausedUp() {
  const size_t seated_before = seated_.size();
  for (size_t i = 0; i < seated_.size();) {
    if (seated_[i].paused && seated_[i].member->at_rest()) {
      GetUp(seated_.begin() + i);
    } else {
      ++i;
    }
  }
  return seated_.size() < seated_before;
}

bool StatePool::GetOneUp(bool held_too) {
  auto oldest = seated_.end();
  for (auto seat = seated_.begin(); seat != seated_.end(); ++seat) {
    if (!seat->member->at_rest()) continue;
    if (!held_too && seat->member->held()) continue;
    if (oldest == seated_.end() ||
        seat->member->last_used() < oldest->member->last_used()) {
      oldest = seat;
    }
  }
  if (oldest == seated_.end()) return false;
  GetUp(oldest);
  return true;
}

void StatePool::GetUp(Seats::iterator seat) {
  PoolMember* const member = seat->member;
  seated_.erase(seat);
  member->GetUp();
}

void StatePool::Pause() {
  size_t leaving = 0;
  for (const Seat& seat : seated_) leaving += seat.paused ? 1 : 0;
  for (Seat& seat : seated_) {
    if (leaving >= waiting()) return;
    const SeatFor reason =
        leaving < for_answer_.size() ? SeatFor::kAnswer : SeatFor::kText;
    if (seat.paused || !seat.member->had_turn(reason)) continue;
    seat.paused = true;
    ++leaving;
    seat.member->Pause();
  }
}

}  // namespace oxbow
