//! Small programs at random, and the smallest of them that still shows the same.

use super::program::{Channel, Op, Program};

/// Numbers that look random, and are the same for the same seed (xorshift64*).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        // Seeds that are near to each other would give numbers that are. And it may not be 0.
        Random((seed.wrapping_add(1)).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        for (to_the_left, by) in [(false, 12), (true, 25), (false, 27)] {
            self.0 ^= if to_the_left {
                self.0 << by
            } else {
                self.0 >> by
            };
        }
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    /// Whether something happens that does so in so many of a hundred cases.
    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// What a program is mostly about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Theme {
    Mutex,
    Condvar,
    Poison,
    RwLock,
    Atomic,
    Once,
    Barrier,
    Channel,
    Park,
    Time,
    Blocks,
}

const THEMES: [Theme; 14] = [
    Theme::Mutex,
    Theme::Condvar,
    Theme::Condvar,
    Theme::Condvar,
    Theme::Poison,
    Theme::RwLock,
    Theme::Atomic,
    Theme::Once,
    Theme::Barrier,
    Theme::Channel,
    Theme::Channel,
    Theme::Park,
    Theme::Time,
    Theme::Blocks,
];

/// The program of this seed.
pub fn program(seed: u64) -> Program {
    let random = &mut Random::new(seed);
    let themes: Vec<Theme> = (0..1 + random.below(3))
        .map(|_| random.pick(&THEMES))
        .collect();
    let threads = random.pick(&[2, 2, 3, 3, 3, 3, 4]);
    let channels = if themes.contains(&Theme::Channel) {
        random.pick(&[1, 1, 1, 2])
    } else {
        0
    };
    let channels = (0..channels).map(|_| channel(random, threads)).collect();
    let length = random.pick(&[1, 2, 2, 3, 3, 4]);
    let mut program = Program {
        channels,
        threads: Vec::new(),
    };
    for thread in 0..threads {
        let mut ops = Vec::new();
        for _ in 0..length.min(9 / threads).max(1) - usize::from(thread == 0 && random.chance(40)) {
            let theme = random.pick(&themes);
            ops.extend(some_ops(random, theme, &program.channels, threads));
        }
        program.threads.push(ops);
    }
    for thread in 1..threads {
        let parent = if thread > 1 && random.chance(10) {
            thread - 1
        } else {
            0
        };
        start_and_join(random, &mut program.threads[parent], thread);
    }
    program
}

fn channel(random: &mut Random, threads: usize) -> Channel {
    let receiver = (!random.chance(25)).then(|| random.below(threads));
    let sends = |random: &mut Random, it: usize| Some(it) != receiver && random.chance(60);
    let mut senders: Vec<usize> = (0..threads).filter(|it| sends(random, *it)).collect();
    if senders.is_empty() {
        senders.push(random.below(threads));
    }
    Channel {
        bound: random.pick(&[None, Some(0), Some(0), Some(1), Some(1), Some(2)]),
        senders,
        receiver,
    }
}

/// Puts the start of a thread near the beginning, and in most cases a join somewhere behind it.
fn start_and_join(random: &mut Random, ops: &mut Vec<Op>, thread: usize) {
    let start = if random.chance(80) {
        0
    } else {
        random.below(ops.len() + 1)
    };
    ops.insert(start, Op::Spawn(thread));
    if random.chance(20) {
        let place = start + 1 + random.below(ops.len() - start);
        ops.insert(place, Op::IsFinished(thread));
    }
    if random.chance(70) {
        let place = start + 1 + random.below(ops.len() - start);
        ops.insert(place, Op::Join(thread));
    }
}

/// One operation, or a few that belong together.
fn some_ops(random: &mut Random, theme: Theme, channels: &[Channel], threads: usize) -> Vec<Op> {
    let index = usize::from(random.chance(20));
    let value = 1 + random.below(2) as u8;
    let thread = random.below(threads);
    let one = |op| vec![op];
    match theme {
        Theme::Mutex => match random.below(8) {
            0..=2 => vec![Op::Lock(index), Op::Put(index, value), Op::Unlock(index)],
            3 => vec![Op::TryLock(index), Op::Put(index, value), Op::Unlock(index)],
            4 => one(Op::TryLock(index)),
            5 => one(Op::Unlock(index)),
            _ => one(Op::Lock(index)),
        },
        Theme::Condvar => {
            let wait = random.pick(&[
                Op::Wait(index),
                Op::WaitWhile(index),
                Op::WaitTimeout(index),
                Op::WaitTimeoutWhile(index),
            ]);
            let notify = random.pick(&[Op::NotifyOne(index), Op::NotifyAll(index)]);
            let lock = random.pick(&[Op::Lock(index), Op::Lock(index), Op::TryLock(index)]);
            match random.below(8) {
                0 | 1 => vec![lock, wait],
                2 => vec![lock, wait, Op::Unlock(index)],
                3 => vec![lock, Op::Put(index, value), notify, Op::Unlock(index)],
                4 => vec![lock, Op::Put(index, value), Op::Unlock(index), notify],
                5 => vec![lock, Op::Unlock(index)],
                _ => one(notify),
            }
        }
        Theme::Poison => match random.below(6) {
            0 => vec![Op::Lock(index), Op::Panic],
            1 => one(Op::IsPoisoned(index)),
            2 => one(Op::ClearPoison(index)),
            3 => one(Op::TryLock(index)),
            4 => one(Op::Panic),
            _ => one(Op::Lock(index)),
        },
        Theme::RwLock => one(match random.below(14) {
            0 => return vec![Op::Write, Op::PutWritten(value), Op::StopWriting],
            1 => return vec![Op::Read, Op::StopReading],
            2 => return vec![Op::Write, Op::PutWritten(value), Op::Panic],
            3 => Op::TryRead,
            4 => Op::TryWrite,
            5 | 6 => Op::Write,
            7 | 8 => Op::Read,
            9 => Op::IsRwPoisoned,
            10 => Op::ClearRwPoison,
            11 => Op::StopReading,
            12 => Op::PutWritten(value),
            _ => Op::StopWriting,
        }),
        Theme::Atomic => one(match random.below(6) {
            0 => Op::Load(index),
            1 => Op::Store(index, value),
            2 => Op::Add(index, value),
            3 => Op::Swap(index, value),
            4 => Op::CompareExchange(index, value - 1, value),
            _ => Op::CompareExchangeWeak(index, value - 1, value),
        }),
        Theme::Once => one(match random.below(7) {
            0 | 1 => Op::OnceGet,
            2 => Op::OnceSet(value),
            3 | 4 => Op::OnceInit,
            5 => Op::Load(0),
            _ => Op::OnceInitPanics,
        }),
        Theme::Barrier => one(Op::Meet),
        Theme::Channel => channel_ops(random, channels, value),
        Theme::Park => one(match random.below(6) {
            0..=1 => Op::Park,
            2 => Op::ParkTimeout,
            _ => Op::Unpark(thread),
        }),
        Theme::Time => one(random.pick(&[Op::Yield, Op::Sleep])),
        Theme::Blocks => one(match random.below(2) {
            0 => Op::Scope(1 + random.below(4)),
            _ => Op::Job(1 + random.below(3)),
        }),
    }
}

fn channel_ops(random: &mut Random, channels: &[Channel], value: u8) -> Vec<Op> {
    let index = random.below(channels.len());
    vec![match random.below(12) {
        0 => Op::CloneSender(index),
        1 => Op::DropSender(index),
        2 => Op::DropReceiver(index),
        3 => Op::TrySend(index, value),
        4 | 5 => Op::TryReceive(index),
        6 => Op::ReceiveTimeout(index),
        7 | 8 => Op::Receive(index),
        _ => Op::Send(index, value),
    }]
}

/// A program that is as small as it can be, and of which `shows` is still true.
pub fn shrink(program: &Program, shows: impl Fn(&Program) -> bool) -> Program {
    let mut smallest = program.clone();
    while let Some(smaller) = smaller(&smallest)
        .into_iter()
        .find(|it| it.is_valid() && shows(it))
    {
        smallest = smaller;
    }
    smallest
}

/// Programs that are smaller by one thing, by a whole thread first.
fn smaller(program: &Program) -> Vec<Program> {
    let mut all = Vec::new();
    let last = program.threads.len() - 1;
    if last > 0 {
        all.push(without_thread(program, last));
        // Another one is the last.
        for thread in 1..last {
            all.push(without_thread(&exchanged(program, thread, last), last));
        }
    }
    for (thread, ops) in program.threads.iter().enumerate() {
        for place in 0..ops.len() {
            let mut without = program.clone();
            without.threads[thread].remove(place);
            all.push(without);
        }
    }
    for (index, channel) in program.channels.iter().enumerate() {
        for place in 0..channel.senders.len() {
            let mut without = program.clone();
            without.channels[index].senders.remove(place);
            all.push(without);
        }
    }
    let last = program.channels.len().wrapping_sub(1);
    let uses_last = |op: &Op| op.channel() == Some(last);
    if !program.channels.is_empty() && !program.threads.iter().flatten().any(uses_last) {
        let mut without = program.clone();
        without.channels.pop();
        all.push(without);
    }
    all
}

/// The program without a thread that spawns none.
fn without_thread(program: &Program, thread: usize) -> Program {
    let mut without = program.clone();
    without.threads.remove(thread);
    let about = [
        Op::Spawn(thread),
        Op::Join(thread),
        Op::IsFinished(thread),
        Op::Unpark(thread),
    ];
    for ops in &mut without.threads {
        ops.retain(|op| !about.contains(op));
    }
    for channel in &mut without.channels {
        channel.senders.retain(|it| *it != thread);
        if channel.receiver == Some(thread) {
            channel.receiver = Some(0);
        }
    }
    without
}

/// The same program, in which two threads have each other's number.
fn exchanged(program: &Program, one: usize, other: usize) -> Program {
    let of = |thread: usize| match thread {
        thread if thread == one => other,
        thread if thread == other => one,
        thread => thread,
    };
    let mut exchanged = program.clone();
    exchanged.threads.swap(one, other);
    for op in exchanged.threads.iter_mut().flatten() {
        if let Op::Spawn(thread) | Op::Join(thread) | Op::IsFinished(thread) | Op::Unpark(thread) =
            op
        {
            *thread = of(*thread);
        }
    }
    for channel in &mut exchanged.channels {
        channel.senders.iter_mut().for_each(|it| *it = of(*it));
        channel.receiver = channel.receiver.map(of);
    }
    exchanged
}
