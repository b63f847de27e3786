//! Cuts work into packets, keeps many under way, puts the answers back in the order of the work, and repeats exactly
//! what has to be repeated.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::future::Future;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use crate::core::retry::Schedule;
use crate::error::{Error, Result};

/// What a packet's answer says of one item.
#[derive(Debug)]
pub enum Reply<T> {
    Done(T),
    Failed(Error),
    /// It was not carried out, or changes nothing: try it again, and give up with this error when the tries are used
    /// up.
    Again(Error),
    /// It was turned away because of a limit, and should not come again before this moment; that is no failure and
    /// uses up no try.
    Later(Instant),
}

/// How many packets may be waiting for their answers at once. The lanes of the limiter decide what really runs; this
/// only bounds what is prepared.
const PREPARED: usize = 64;

/// Sends the items `0..count` in packets. `cut` sees the items that wait, in their order, and tells how many of them
/// the next packet takes; `send` gets the indices of a packet and answers for each of them; `settled` hears of each
/// item that has its final answer. Items that wait for a moment hold up no other.
pub async fn run<T, Sent>(
    count: usize,
    schedule: Schedule,
    cut: impl Fn(&[usize]) -> usize,
    send: impl Fn(Vec<usize>) -> Sent,
    mut settled: impl FnMut(usize),
) -> Vec<Result<T>>
where
    Sent: Future<Output = Vec<(usize, Reply<T>)>>,
{
    let mut answers: Vec<Option<Result<T>>> = std::iter::repeat_with(|| None).take(count).collect();
    let mut failures = vec![0u32; count];
    let mut queue: VecDeque<usize> = (0..count).collect();
    let mut held: BinaryHeap<Reverse<(Instant, usize)>> = BinaryHeap::new();
    let mut under_way = FuturesUnordered::new();
    loop {
        let now = Instant::now();
        while held.peek().is_some_and(|Reverse((until, _))| *until <= now) {
            queue.extend(held.pop().map(|Reverse((_, item))| item));
        }
        while under_way.len() < PREPARED && !queue.is_empty() {
            let size = cut(queue.make_contiguous()).clamp(1, queue.len());
            under_way.push(send(queue.drain(..size).collect()));
        }
        let first_held = held.peek().map(|Reverse((until, _))| *until);
        let replies = tokio::select! {
            Some(replies) = under_way.next(), if !under_way.is_empty() => replies,
            () = tokio::time::sleep_until(first_held.unwrap_or(now)), if first_held.is_some() => continue,
            else => break,
        };
        // One pause for what failed together, so that it is repeated together.
        let most =
            replies.iter().filter(|(_, reply)| matches!(reply, Reply::Again(_))).map(|(item, _)| failures[*item]);
        let pause = most
            .max()
            .and_then(|most| schedule.pause((most + 1).min(schedule.tries.saturating_sub(1))))
            .unwrap_or_default();
        for (item, reply) in replies {
            let answer = match reply {
                Reply::Done(answer) => Ok(answer),
                Reply::Failed(error) => Err(error),
                Reply::Later(until) => {
                    held.push(Reverse((until, item)));
                    continue;
                }
                Reply::Again(error) => {
                    failures[item] += 1;
                    if failures[item] < schedule.tries {
                        held.push(Reverse((Instant::now() + pause, item)));
                        continue;
                    }
                    Err(error)
                }
            };
            answers[item] = Some(answer);
            settled(item);
        }
    }
    answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(unanswered()))).collect()
}

/// `send` left an item out of its answer; the packet's server must have.
fn unanswered() -> Error {
    Error::new(crate::error::Kind::Protocol, "batch.unanswered", "the server's answer leaves this item out")
        .retry(crate::error::Retry::Unknown)
}

/// How many packets to make of `items`: enough that none is larger than `most`; more of them while requests are free,
/// since a server works through the commands of one packet in turn and through packets side by side. A third of the
/// free requests stays in reserve, and a packet does not become smaller than `least` for that.
pub fn packet_size(items: usize, most: usize, least: usize, free_requests: usize) -> usize {
    let needed = items.div_ceil(most);
    let spare = free_requests * 2 / 3;
    let wanted = items.div_ceil(least).min(spare).max(needed).max(1);
    items.div_ceil(wanted).min(most).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use std::cell::RefCell;
    use std::time::Duration;

    fn fault() -> Error {
        Error::new(Kind::Unavailable, "test.fault", "broken")
    }

    #[tokio::test(start_paused = true)]
    async fn answers_stand_in_the_order_of_the_work_whatever_the_order_of_the_packets() {
        let answers = run(
            7,
            Schedule::default(),
            |_| 3,
            async |packet: Vec<usize>| {
                // The first packet is the slowest.
                tokio::time::sleep(Duration::from_millis(100 - packet[0] as u64)).await;
                packet.into_iter().map(|item| (item, Reply::Done(item * 10))).collect()
            },
            |_| {},
        )
        .await;
        let answers: Vec<usize> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, [0, 10, 20, 30, 40, 50, 60]);
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_failed_is_repeated_and_a_bad_item_harms_no_other() {
        let sent = RefCell::new(Vec::new());
        let answers = run(
            5,
            Schedule { tries: 2, ..Schedule::default() },
            |_| 5,
            |packet: Vec<usize>| {
                let first = sent.borrow().is_empty();
                sent.borrow_mut().push(packet.clone());
                async move {
                    let reply = |item| match item {
                        1 => Reply::Failed(fault()),
                        2 => Reply::Again(fault()),
                        3 if first => Reply::Again(fault()),
                        4 if first => Reply::Later(Instant::now()),
                        _ => Reply::Done(item),
                    };
                    packet.into_iter().map(|item| (item, reply(item))).collect()
                }
            },
            |_| {},
        )
        .await;
        assert_eq!(*sent.borrow(), [vec![0, 1, 2, 3, 4], vec![4], vec![2, 3]]);
        let good: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(good, [true, false, false, true, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_its_moment_holds_up_nothing_else() {
        let began = Instant::now();
        let settled = RefCell::new(Vec::new());
        let answers = run(
            300,
            Schedule::default(),
            |_| 1,
            |packet: Vec<usize>| async move {
                let until = began + Duration::from_secs(60);
                let reply = |item| match item < 200 && Instant::now() < until {
                    true => Reply::Later(until),
                    false => Reply::Done(item),
                };
                packet.into_iter().map(|item| (item, reply(item))).collect()
            },
            |item| settled.borrow_mut().push((item, began.elapsed().as_secs())),
        )
        .await;
        assert!(answers.iter().all(Result::is_ok));
        assert!(settled.borrow().iter().all(|(item, at)| (*item < 200) == (*at >= 60)));
    }

    #[test]
    fn packets_are_full_when_requests_are_scarce_and_small_while_they_are_free() {
        assert_eq!(packet_size(10_000, 50, 10, 48), 50);
        assert_eq!(packet_size(500, 50, 10, 48), 16);
        assert_eq!(packet_size(500, 50, 10, 0), 50);
        assert_eq!(packet_size(30, 50, 10, 48), 10);
        assert_eq!(packet_size(3, 50, 10, 48), 3);
    }
}
