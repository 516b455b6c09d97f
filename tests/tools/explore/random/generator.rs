//! Small programs at random, and the smallest of them that still shows the same.

use super::program::{Channel, Op, Program};
use Op::*;

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

/// Each as often as it is to come.
const THEMES: [Theme; 15] = {
    use Theme::*;
    [
        Mutex, Mutex, Condvar, Condvar, Condvar, Poison, RwLock, Atomic, Once, Barrier, Channel,
        Channel, Park, Time, Blocks,
    ]
};

/// The program of this seed.
pub fn program(seed: u64) -> Program {
    let random = &mut Random::new(seed);
    if seed % 3 != 0 && random.chance(60) {
        return dense(random);
    }
    let mut themes: Vec<Theme> = (0..random.pick(&[1, 1, 2, 2, 3]))
        .map(|_| random.pick(&THEMES))
        .collect();
    // The steps on a channel, and on a condition variable, depend on each other in many ways, so a third of the
    // programs are about them. A job before a message and one behind it cannot run at once.
    let theme = match seed % 6 {
        0 => Some(Theme::Channel),
        3 => Some(Theme::Condvar),
        _ => None,
    };
    if let Some(theme) = theme {
        themes.push(theme);
        match random.below(4) {
            0 => themes = vec![theme, theme, Theme::Blocks],
            1 | 2 => themes = vec![theme],
            _ => {}
        }
    }
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
            ops.extend(some_ops(random, theme, &program, threads));
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

/// Three threads that do little, all of it on the same few things. What a search leaves out shows there first.
fn dense(random: &mut Random) -> Program {
    const PHRASES: [&[Op]; 12] = [
        &[Lock(0), Unlock(0)],
        &[Lock(0), Put(0, 1), Unlock(0)],
        &[Lock(0), Wait(0), Unlock(0)],
        &[Lock(0), Wait(0), Unlock(0)],
        &[Lock(0), WaitTimeout(0), Unlock(0)],
        &[NotifyOne(0)],
        &[NotifyOne(0)],
        &[NotifyAll(0)],
        &[Lock(0), Put(0, 1), NotifyOne(0), Unlock(0)],
        &[Add(0, 1)],
        &[Add(0, 1)],
        &[Swap(0, 2)],
    ];
    let channels = if random.chance(30) {
        vec![channel(random, 3)]
    } else {
        Vec::new()
    };
    let mut program = Program {
        channels,
        threads: Vec::new(),
    };
    for _ in 0..3 {
        let mut ops = Vec::new();
        for _ in 0..random.pick(&[1, 1, 1, 2]) {
            if !program.channels.is_empty() && random.chance(75) {
                ops.push(channel_op(random, &program, 1));
            } else {
                ops.extend(random.pick(&PHRASES));
            }
        }
        program.threads.push(ops);
    }
    let main = &mut program.threads[0];
    main.splice(0..0, [Spawn(1), Spawn(2)]);
    if random.chance(50) {
        main.push(Add(0, 1));
    }
    let first = random.pick(&[1, 2]);
    if random.chance(70) {
        main.extend([Lock(0), Join(first), Unlock(0)]);
    } else {
        main.push(Join(first));
    }
    main.push(Join(3 - first));
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

/// Puts the start of a thread near the beginning, and in most cases a join somewhere behind it, which is now and
/// then with a lock held.
fn start_and_join(random: &mut Random, ops: &mut Vec<Op>, thread: usize) {
    let start = if random.chance(80) {
        0
    } else {
        random.below(ops.len() + 1)
    };
    ops.insert(start, Spawn(thread));
    if random.chance(20) {
        let place = start + 1 + random.below(ops.len() - start);
        ops.insert(place, IsFinished(thread));
    }
    if random.chance(70) {
        let place = start + 1 + random.below(ops.len() - start);
        let holds = random.chance(25);
        let join = [Lock(0), Join(thread), Unlock(0)];
        let join = if holds { &join } else { &join[1..2] };
        ops.splice(place..place, join.iter().copied());
    }
}

/// One operation, or a few that belong together.
fn some_ops(random: &mut Random, theme: Theme, program: &Program, threads: usize) -> Vec<Op> {
    let index = usize::from(random.chance(20));
    let value = 1 + random.below(2) as u8;
    match theme {
        Theme::Mutex => mutex_ops(random, index, value),
        Theme::Condvar => condvar_ops(random, index, value),
        Theme::Poison => match random.below(6) {
            0 => vec![Lock(index), Panic],
            _ => vec![random.pick(&[
                IsPoisoned(index),
                ClearPoison(index),
                TryLock(index),
                Lock(index),
                Panic,
            ])],
        },
        Theme::RwLock => rw_ops(random, value),
        Theme::Atomic => vec![random.pick(&[
            Load(index),
            Store(index, value),
            Add(index, value),
            Swap(index, value),
            CompareExchange(index, value - 1, value),
            CompareExchangeWeak(index, value - 1, value),
        ])],
        Theme::Once => vec![random.pick(&[
            OnceGet,
            OnceGet,
            OnceSet(value),
            OnceInit,
            OnceInit,
            OnceInitPanics,
            Load(0),
        ])],
        Theme::Barrier => vec![Meet],
        Theme::Channel => vec![channel_op(random, program, value)],
        Theme::Park => {
            let unpark = Unpark(random.below(threads));
            vec![random.pick(&[Park, Park, ParkTimeout, unpark, unpark, unpark])]
        }
        Theme::Time => vec![random.pick(&[Yield, Sleep])],
        Theme::Blocks => {
            let length = 1 + random.below(4);
            vec![random.pick(&[Scope(length), Job(length)])]
        }
    }
}

fn mutex_ops(random: &mut Random, index: usize, value: u8) -> Vec<Op> {
    match random.below(8) {
        0..=2 => vec![Lock(index), Put(index, value), Unlock(index)],
        3 => vec![TryLock(index), Put(index, value), Unlock(index)],
        4 => vec![TryLock(index)],
        5 => vec![Unlock(index)],
        _ => vec![Lock(index)],
    }
}

fn condvar_ops(random: &mut Random, index: usize, value: u8) -> Vec<Op> {
    let wait = random.pick(&[
        Wait(index),
        WaitWhile(index),
        WaitTimeout(index),
        WaitTimeoutWhile(index),
    ]);
    let notify = random.pick(&[NotifyOne(index), NotifyAll(index)]);
    let lock = random.pick(&[Lock(index), Lock(index), TryLock(index)]);
    match random.below(17) {
        0..=3 => vec![lock, wait],
        4 | 5 => vec![lock, wait, Unlock(index)],
        6 | 7 => vec![lock, Put(index, value), notify, Unlock(index)],
        8 | 9 => vec![lock, Put(index, value), Unlock(index), notify],
        10 | 11 => vec![lock, Unlock(index)],
        12 => vec![lock, notify, Panic],
        _ => vec![notify],
    }
}

fn rw_ops(random: &mut Random, value: u8) -> Vec<Op> {
    match random.below(7) {
        0 => vec![Write, PutWritten(value), StopWriting],
        1 => vec![Read, StopReading],
        2 => vec![Write, PutWritten(value), Panic],
        _ => vec![random.pick(&[
            TryRead,
            TryWrite,
            Write,
            Write,
            Read,
            Read,
            IsRwPoisoned,
            ClearRwPoison,
            StopReading,
            PutWritten(value),
            StopWriting,
        ])],
    }
}

/// One that this thread has the end of the channel for, if it has one.
fn channel_op(random: &mut Random, program: &Program, value: u8) -> Op {
    let me = program.threads.len();
    let index = random.below(program.channels.len());
    let channel = &program.channels[index];
    let receives = channel.receiver.is_none_or(|it| it == me);
    if receives && (!channel.senders.contains(&me) || random.chance(50)) {
        return random.pick(&[
            Receive(index),
            Receive(index),
            Receive(index),
            TryReceive(index),
            TryReceive(index),
            ReceiveTimeout(index),
            DropReceiver(index),
        ]);
    }
    random.pick(&[
        Send(index, value),
        Send(index, value),
        Send(index, value),
        TrySend(index, value),
        TrySend(index, value),
        CloneSender(index),
        DropSender(index),
    ])
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
        Spawn(thread),
        Join(thread),
        IsFinished(thread),
        Unpark(thread),
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
        if let Spawn(thread) | Join(thread) | IsFinished(thread) | Unpark(thread) = op {
            *thread = of(*thread);
        }
    }
    for channel in &mut exchanged.channels {
        channel.senders.iter_mut().for_each(|it| *it = of(*it));
        channel.receiver = channel.receiver.map(of);
    }
    exchanged
}
