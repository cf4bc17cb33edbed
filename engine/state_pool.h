// Whose states are in the models' slots when not everybody's can be.
#ifndef OXBOW_ENGINE_STATE_POOL_H_
#define OXBOW_ENGINE_STATE_POOL_H_

#include <cstddef>
#include <deque>
#include <vector>

#include "absl/time/time.h"

namespace oxbow {

// What a member wants a seat for.
enum class SeatFor {
  kText,    // text is to be read
  kAnswer,  // somebody waits for an answer
};

// Somebody whose states are either in slots ("seated") or in the store. What it
// is told comes from within StatePool's calls.
class PoolMember {
 public:
  virtual ~PoolMember() = default;
  // Takes slots and begins to load its states into them. False, unchanged:
  // slots are missing, and it stays first in the queue.
  virtual bool Sit() = 0;
  // Stores its states and gives its slots back. at_rest() holds. It may want a
  // seat again at once.
  virtual void GetUp() = 0;
  // Comes to rest soon, with work left, and moves no more before GetUp().
  virtual void Pause() = 0;
  // Seated, and none of its states moves or is about to.
  virtual bool at_rest() const = 0;
  // It moved enough since Sit() that it may be told to pause for somebody with
  // this reason: who waits for an answer does not wait for a whole turn.
  virtual bool had_turn(SeatFor waiting) const = 0;
  // Somebody works with its states at this moment: it must not get up for
  // MakeRoom().
  virtual bool held() const = 0;
  virtual absl::Time last_used() const = 0;
};

// Gives out a number of seats: first come, first served, one who waits for an
// answer and one with text by turns, so that neither keeps the other waiting.
// While somebody waits, who is at rest gets up, the least recently used first;
// if nobody is, who has been seated longest and had a turn is paused. So all
// with text to read come on by a turn at a time, whatever their number.
//
// Holds no thread, lock or clock. Engine thread only. Borrows the members:
// Leave() before one goes.
class StatePool {
 public:
  explicit StatePool(size_t seats_max) : seats_max_(seats_max) {}

  // Queues a member without a seat; one that waits already is moved up if it is
  // for an answer now.
  void Want(PoolMember* member, SeatFor reason);
  // Forgets a member, wherever it is.
  void Leave(PoolMember* member);
  // Gives seats to those who wait, as far as there are any. Called after every
  // step: nobody says when a member has come to rest.
  void Turn();
  // One that is at rest and not held gets up, though nobody waits for its seat:
  // a slot is needed. False: there is none.
  bool MakeRoom();

  size_t waiting() const { return for_answer_.size() + for_text_.size(); }
  size_t seated() const { return seated_.size(); }

 private:
  struct Seat {
    PoolMember* member;
    bool paused = false;
  };
  using Seats = std::vector<Seat>;

  // Somebody got up for who waits; else somebody will, or nobody may.
  bool FreeSeat();
  bool GetPausedUp();
  bool GetOneUp(bool held_too);
  void GetUp(Seats::iterator seat);
  void Pause();
  std::deque<PoolMember*>* NextQueue();

  const size_t seats_max_;
  std::deque<PoolMember*> for_answer_;
  std::deque<PoolMember*> for_text_;
  bool text_is_next_ = false;  // if both wait
  Seats seated_;               // the longest first
};

}  // namespace oxbow

#endif  // OXBOW_ENGINE_STATE_POOL_H_
