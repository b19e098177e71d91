//! The figures, beside what is promised.

use std::{fmt::Write as _, fs, io, path::Path, time::Duration};

use jiff::Timestamp;

use crate::{
    backlog,
    fleet::FleetFigures,
    flood::{FloodFigures, Seen},
    leads,
    load::Outcome,
    million,
    product::LargeRecording,
};

pub(crate) struct Report {
    rounds: Vec<Round>,
    rows: Vec<[String; 3]>,
}

struct Round {
    bare_per_second: f64,
    accepted_per_second: f64,
    p50: Duration,
    p99: Duration,
    cpu: Duration,
    bare_cpu: Duration,
    refused: u64,
}

fn ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}

fn mib(bytes: u64) -> String {
    format!("{:.0} MiB", bytes as f64 / (1 << 20) as f64)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

impl Report {
    pub(crate) fn new() -> Self {
        Self {
            rounds: Vec::new(),
            rows: Vec::new(),
        }
    }

    fn row(&mut self, what: &str, promised: &str, measured: String) {
        self.rows
            .push([what.to_owned(), promised.to_owned(), measured]);
    }

    /// The bare handler and the product, each with the processor time that it took.
    pub(crate) fn accepting(
        &mut self,
        (bare, bare_cpu): (&Outcome, Duration),
        (accepted, cpu): (&Outcome, Duration),
    ) {
        let each = |cpu: Duration, outcome: &Outcome| {
            let count = u32::try_from(outcome.latencies.len()).unwrap_or(u32::MAX);
            cpu / count.max(1)
        };
        self.rounds.push(Round {
            bare_per_second: bare.per_second(),
            accepted_per_second: accepted.per_second(),
            p50: accepted.percentile(50.0),
            p99: accepted.percentile(99.0),
            cpu: each(cpu, accepted),
            bare_cpu: each(bare_cpu, bare),
            refused: accepted.refused + bare.refused,
        });
    }

    pub(crate) fn steady(&mut self, outcome: &Outcome) {
        let measured = format!(
            "p95 {}, p99 {} ({} deliveries, {} refused)",
            ms(outcome.percentile(95.0)),
            ms(outcome.percentile(99.0)),
            outcome.latencies.len(),
            outcome.refused
        );
        self.row(
            "accepting 200 a second, open loop",
            "p95 < 10 ms, p99 < 25 ms",
            measured,
        );
    }

    pub(crate) fn start(&mut self, ready_after: Duration) {
        self.row(
            "start to ready, every service in one process",
            "< 500 ms",
            ms(ready_after),
        );
    }

    pub(crate) fn idle(&mut self, bytes: u64) {
        self.row("memory, idle, simulators included", "< 100 MB", mib(bytes));
    }

    pub(crate) fn end_to_end(&mut self, outcome: &Outcome) {
        let measured = format!(
            "p50 {}, p95 {}, p99 {} ({} calls)",
            ms(outcome.percentile(50.0)),
            ms(outcome.percentile(95.0)),
            ms(outcome.percentile(99.0)),
            outcome.latencies.len()
        );
        self.row(
            "acknowledgement to the CRM's record, 20 short calls a second",
            "p95 < 250 ms",
            measured,
        );
    }

    pub(crate) fn large_recording(&mut self, recording: &LargeRecording) {
        let LargeRecording {
            bytes,
            peak_before,
            peak_after,
            took,
        } = recording;
        let measured = format!(
            "peak {} before, {} after, in {:.1} s",
            mib(*peak_before),
            mib(*peak_after),
            took.as_secs_f64()
        );
        self.row(
            &format!("a recording of {}", mib(*bytes)),
            "constant memory",
            measured,
        );
    }

    pub(crate) fn leads(&mut self, figures: &leads::Figures) {
        let bare_per_second = median(self.rounds.iter().map(|r| r.bare_per_second).collect());
        let bare_cpu = median(
            self.rounds
                .iter()
                .map(|r| r.bare_cpu.as_secs_f64())
                .collect(),
        );
        let per_second = figures.leads as f64 / figures.took.as_secs_f64();
        let cpu = figures.cpu_per_lead;
        self.row(
            "leads a second over all stages, simulators in a process of their own on the same cores",
            "",
            format!(
                "{per_second:.0}, {:.2} % of the baseline ({} leads)",
                per_second / bare_per_second * 100.0,
                figures.leads
            ),
        );
        self.row(
            "processor time per lead over all stages",
            "",
            format!(
                "{}, {:.0} times the baseline",
                ms(cpu),
                cpu.as_secs_f64() / bare_cpu
            ),
        );
        self.row(
            "written per lead, its recording of 76 KB included",
            "",
            format!("{} KB", figures.written_per_lead / 1000),
        );
        let [first, all, rested] = figures.memory.map(mib);
        self.row(
            "memory after 600 leads, after all, and after a rest",
            "flat",
            format!("{first}, {all}, {rested}"),
        );
    }

    pub(crate) fn backlog(&mut self, figures: &[backlog::Figures]) {
        for backlog::Figures {
            waiting,
            list,
            counts,
            start,
        } in figures
        {
            self.row(
                &format!("beside {waiting} waiting requests: list of received, counts, start"),
                "< 10 ms, < 10 ms, < 500 ms",
                format!("{}, {}, {}", ms(*list), ms(*counts), ms(*start)),
            );
        }
    }

    pub(crate) fn million(&mut self, figures: &million::Figures) {
        let among = format!("among {} leads", figures.leads);
        for answer in &figures.answers {
            self.row(
                &format!("{among}: {}", answer.question),
                "p95 < 20 ms",
                format!("p50 {}, p95 {}", ms(answer.p50), ms(answer.p95)),
            );
        }
        self.row(
            &format!("{among}: start to ready"),
            "< 500 ms",
            ms(figures.start),
        );
        self.row(
            "taking a lead into the index, and its size on the disk with it",
            "",
            format!(
                "{:.0} µs, {:.1} KB",
                figures.indexing_per_lead.as_secs_f64() * 1e6,
                figures.bytes_per_lead as f64 / 1e3
            ),
        );
    }

    pub(crate) fn flood(&mut self, figures: &FloodFigures) {
        let FloodFigures {
            alone,
            beside,
            times,
            behind,
        } = figures;
        let against = |percent: f64, outcome: fn(&Seen) -> &Outcome| {
            let [alone, beside] = [alone, beside].map(|seen| outcome(seen).percentile(percent));
            let ratio = beside.as_secs_f64() / alone.as_secs_f64();
            format!(
                "{} alone, {} beside it: {ratio:.1} times",
                ms(alone),
                ms(beside)
            )
        };
        let accepting = against(99.0, |seen| &seen.accepting);
        let end_to_end = against(95.0, |seen| &seen.end_to_end);
        self.row(
            "accepting for tenants beside one that floods, p99",
            "as alone: ≤ 2 times, or 50 ms more",
            format!("{accepting} (it sends {times:.0} times as much as one of them)"),
        );
        self.row(
            "the same, acknowledgement to the CRM's record, p95",
            "as alone: ≤ 2 times, or 50 ms more",
            format!("{end_to_end} ({behind} leads of the flood wait)"),
        );
    }

    pub(crate) fn markdown(&self) -> String {
        let ratio = median(
            self.rounds
                .iter()
                .map(|r| r.accepted_per_second / r.bare_per_second)
                .collect(),
        );
        let cpu = median(
            self.rounds
                .iter()
                .map(|r| r.cpu.as_secs_f64() * 1e6)
                .collect(),
        );
        let mut text = String::from("# Benchmarks\n\n## One process\n\n");
        let mut line = |line: String| writeln!(text, "{line}").expect("a string takes everything");
        line(written_by("make bench"));
        line(
            "The load generator shares the cores with the server, so read ratios, not rates. Each delivery has 1 KiB, \
             is new, signed and durable before it is acknowledged; the baseline is a bare axum handler that checks \
             the same HMAC and parses the same JSON, in the same run. Each round begins with an empty database; \
             in a database of some hundred thousand deliveries the rates are the same.\n"
                .to_owned(),
        );
        line("### Accepting, 256 connections, stages paused\n".to_owned());
        line(
            "| round | baseline/s | accepted/s | ratio | p50 | p99 | CPU per delivery | refused |"
                .to_owned(),
        );
        line("| --- | --- | --- | --- | --- | --- | --- | --- |".to_owned());
        for (number, round) in self.rounds.iter().enumerate() {
            line(format!(
                "| {} | {:.0} | {:.0} | {:.2} | {} | {} | {:.0} µs | {} |",
                number + 1,
                round.bare_per_second,
                round.accepted_per_second,
                round.accepted_per_second / round.bare_per_second,
                ms(round.p50),
                ms(round.p99),
                round.cpu.as_secs_f64() * 1e6,
                round.refused
            ));
        }
        line("\n### Against what is promised\n".to_owned());
        line("| what | promised | measured |".to_owned());
        line("| --- | --- | --- |".to_owned());
        line(format!(
            "| accepting, share of the baseline | ≥ 0.25, aim 0.4 | {ratio:.2} |"
        ));
        line(format!(
            "| processor time per accepted delivery | < 60 µs | {cpu:.0} µs |"
        ));
        for [what, promised, measured] in &self.rows {
            line(format!("| {what} | {promised} | {measured} |"));
        }
        text
    }
}

/// The fleet's figures.
pub(crate) fn fleet(figures: &FleetFigures) -> String {
    let mut text = String::from(FLEET);
    let mut line = |line: String| writeln!(text, "{line}").expect("a string takes everything");
    line(String::new());
    line(written_by("make bench-fleet"));
    line(
        "Six services as processes, on fresh emulators of Spanner and Pub/Sub and with instant simulators, called \
         through a front that stands for the load balancer. The emulator does one transaction at a time, so that \
         this says little about Google's Spanner.\n"
            .to_owned(),
    );
    line(
        "| service | start to ready (promised < 500 ms) | memory, idle (promised < 50 MB) |"
            .to_owned(),
    );
    line("| --- | --- | --- |".to_owned());
    for (name, ready_after, bytes) in &figures.services {
        let megabytes = *bytes as f64 / 1e6;
        line(format!(
            "| {name} | {} | {megabytes:.0} MB |",
            ms(*ready_after)
        ));
    }
    line("\n| what | promised | measured |".to_owned());
    line("| --- | --- | --- |".to_owned());
    let calls = &figures.calls;
    line(format!(
        "| acknowledgement to the CRM's record, one call at a time | median < 1 s | median {}, slowest {} ({} calls) |",
        ms(calls.percentile(50.0)),
        ms(calls.percentile(100.0)),
        calls.latencies.len()
    ));
    line(format!(
        "| the first call of all | | {} |",
        ms(figures.first_call)
    ));
    text
}

/// A part of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    OneProcess,
    Fleet,
}

/// What the fleet's part begins with.
const FLEET: &str = "## The fleet\n";

/// Prints a part, and puts it into the file in place of what it said before.
pub(crate) fn show(file: Option<&Path>, part: Part, text: &str) {
    println!("\n{text}");
    let Some(file) = file else {
        return;
    };
    let before = match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read.unwrap(),
    };
    let (one_process, fleet) = match before.find(FLEET) {
        Some(place) => before.split_at(place),
        None => (before.as_str(), ""),
    };
    let both = match part {
        Part::OneProcess if fleet.is_empty() => text.to_owned(),
        Part::OneProcess => format!("{text}\n{fleet}"),
        Part::Fleet if one_process.is_empty() => format!("# Benchmarks\n\n{text}"),
        Part::Fleet => format!("{}\n\n{text}", one_process.trim_end()),
    };
    fs::write(file, both).unwrap();
}

fn written_by(command: &str) -> String {
    format!("Written by `{command}` on {}, {}.\n", today(), machine())
}

#[expect(clippy::disallowed_methods, reason = "the date of a report")]
fn today() -> String {
    Timestamp::now().strftime("%Y-%m-%d").to_string()
}

fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let cores = cpus
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0);
    format!("{cores} cores ({model}), {} of memory", mib(kib * 1024))
}
