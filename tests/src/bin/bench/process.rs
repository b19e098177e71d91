//! What is seen of a running process from outside.

use std::{fs, process::Child, time::Duration};

/// Processor time that a process has used.
pub(crate) fn cpu_time(process: &Child) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
    // Fields 14 and 15 count ticks of 10 ms; the second field is a name in parentheses.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[11..13]
        .iter()
        .map(|field| field.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// Bytes that a process has handed to the file system.
pub(crate) fn written_bytes(process: &Child) -> u64 {
    let io = fs::read_to_string(format!("/proc/{}/io", process.id())).unwrap();
    let written = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    written.unwrap().trim().parse().unwrap()
}

/// A figure of memory in bytes: `VmRSS:` is what is resident now, `VmHWM:` the most that ever was.
pub(crate) fn memory(process: &Child, figure: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(figure))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
