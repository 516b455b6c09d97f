//! A race as it goes on: what happens, in the order in which it is heard, becomes recordings.

use std::collections::HashMap;
use std::io::Write;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::chart;
use super::options::RaceOptions;
use super::recording::{Lane, RaceRecording};
use super::screen::Screen;
use super::server::{ServerReport, StageServer};
use crate::client::metronome::Metronome;
use crate::client::{self, Reply, RequestOutcome};
use crate::notes::lock::Lock;

/// How often a live chart is redrawn.
const FRAME: Duration = Duration::from_millis(50);

/// How long servers get after a race to end, and to report what their workers did.
const SERVERS_END_TIMEOUT: Duration = Duration::from_secs(5);

/// What happens in a race. A request is known by the index of its server and that of its lane. A server
/// knows it by the port of its client.
pub(super) enum RaceEvent {
    Connected((usize, usize), u16, Duration),
    Reported(usize, Instant, ServerReport),
    Ended((usize, usize), Duration, Reply),
}

/// A race as it goes on.
pub(super) struct Race {
    pub start: Instant,
    pub recordings: Vec<RaceRecording>,
    /// Which lane's client has which port, and which thread picked up the connection from that port.
    /// Either may be known before the other.
    lanes: HashMap<(usize, u16), usize>,
    pick_ups: HashMap<(usize, u16), (Duration, String)>,
    /// How many servers have said all that they had to say.
    ended: usize,
}

impl Race {
    /// A race that begins now, with servers of these labels.
    pub fn new<'a>(options: &RaceOptions, labels: impl Iterator<Item = &'a str>) -> Race {
        let every = options.every.unwrap_or_default();
        let lanes = (0..options.count).map(|index| Lane {
            due: every * index as u32,
            ..Lane::default()
        });
        let lanes: Vec<Lane> = lanes.collect();
        let recordings = labels.map(|label| RaceRecording {
            label: label.to_owned(),
            lanes: lanes.clone(),
            reported: options.against.reports(),
            every: options.every,
            pauses: Vec::new(),
            lock: options.lock.then(Lock::default),
        });
        Race {
            recordings: recordings.collect(),
            start: Instant::now(),
            lanes: HashMap::new(),
            pick_ups: HashMap::new(),
            ended: 0,
        }
    }

    /// Hears what happens, and draws it, until every request has ended. One takes about this long.
    pub fn watch<W: Write>(
        &mut self,
        events: &Receiver<RaceEvent>,
        screen: &mut Screen<W>,
        one: Duration,
    ) {
        // A chart that cannot be written does not stop the race.
        let _ = screen.begin();
        let mut next_frame = Duration::ZERO;
        while self.running() {
            if let Ok(event) = events.recv_timeout(FRAME) {
                self.apply(event);
            }
            let now = self.start.elapsed();
            if now >= next_frame {
                let _ = screen.redraw(&self.recordings, chart::horizon(one, now), now);
                next_frame = now + FRAME;
            }
        }
    }

    /// Ends the servers of the race, and learns what can be known only now: what they have to say about
    /// their lock, if that is asked for, and when this machine stood still.
    pub fn end(
        &mut self,
        metronome: &Metronome,
        mut servers: Vec<StageServer>,
        events: &Receiver<RaceEvent>,
        lock: bool,
    ) {
        let pauses = metronome.pauses().into_iter().map(|pause| {
            let since = |moment: Instant| moment.saturating_duration_since(self.start);
            (since(pause.from), since(pause.to))
        });
        let pauses: Vec<(Duration, Duration)> = pauses.collect();
        for recording in &mut self.recordings {
            recording.pauses = pauses.clone();
        }
        if lock {
            servers.iter_mut().for_each(StageServer::stop);
            self.hear_all(events, servers.len());
        }
    }

    fn running(&self) -> bool {
        let mut lanes = self.recordings.iter().flat_map(|it| &it.lanes);
        lanes.any(|lane| lane.end.is_none())
    }

    fn apply(&mut self, event: RaceEvent) {
        match event {
            RaceEvent::Connected((server, lane), port, time) => {
                self.recordings[server].lanes[lane].connected = Some(time);
                self.lanes.insert((server, port), lane);
                self.assign(server, port);
            }
            RaceEvent::Reported(server, at, report) => self.apply_report(server, at, report),
            RaceEvent::Ended((server, lane), time, reply) => {
                let lane = &mut self.recordings[server].lanes[lane];
                if let Some(handled) = reply.handled {
                    lane.picked_up = Some(time.saturating_sub(handled));
                }
                lane.thread = reply.thread.or(lane.thread.take());
                lane.meaning = match reply.outcome {
                    RequestOutcome::Answered(status) => {
                        client::meaning(status, reply.location.as_deref())
                    }
                    _ => None,
                };
                lane.end = Some((time, reply.outcome));
            }
        }
    }

    fn apply_report(&mut self, server: usize, at: Instant, report: ServerReport) {
        match report {
            ServerReport::PickedUp(port, thread) => {
                let since_start = at.saturating_duration_since(self.start);
                self.pick_ups.insert((server, port), (since_start, thread));
                self.assign(server, port);
            }
            ServerReport::Note(line) => {
                if let Some(lock) = &mut self.recordings[server].lock {
                    // What is not a note is a line of a worker's.
                    let _ = lock.notes.add_line(&line);
                }
            }
            ServerReport::Clock(time) => {
                if let Some(lock) = &mut self.recordings[server].lock {
                    lock.adjust_start(time, at, self.start);
                }
            }
            ServerReport::End => self.ended += 1,
        }
    }

    /// Hears what so many servers have to say until they have ended, if that does not take too long.
    fn hear_all(&mut self, events: &Receiver<RaceEvent>, servers: usize) {
        let deadline = Instant::now() + SERVERS_END_TIMEOUT;
        while self.ended < servers {
            let time = deadline.saturating_duration_since(Instant::now());
            let Ok(event) = events.recv_timeout(time) else {
                break;
            };
            self.apply(event);
        }
    }

    /// Notes that a thread has picked up the request of the client at this port, if both are known.
    fn assign(&mut self, server: usize, port: u16) {
        let key = (server, port);
        if let (Some(&lane), Some((time, thread))) = (self.lanes.get(&key), self.pick_ups.get(&key))
        {
            let lane = &mut self.recordings[server].lanes[lane];
            if lane.end.is_none() {
                lane.picked_up = Some(*time);
                lane.thread = Some(thread.clone());
            }
        }
    }
}
