//! Whether lines meet, by a sweep from west to east (Shamos and Hoey, 1976): n lines take n log n steps, however they lie.

use std::{cmp::Ordering, collections::BTreeSet, ops::Bound};

use geo::{
    Coord, Intersects as _, Line, Orientation,
    kernels::{Kernel as _, RobustKernel},
};

/// A line between its western and its eastern end; of one that runs north, between its southern and its northern end.
#[derive(Debug, Clone, Copy)]
struct Edge {
    index: usize,
    west: Coord,
    east: Coord,
}

/// Two of the lines that meet though they do not agree with `may`, which is asked for pairs in order. Only lines that share
/// an end and nothing else may be allowed to.
pub(super) fn meeting(
    lines: &[Line],
    may: impl Fn(usize, usize) -> bool,
) -> Option<(usize, usize)> {
    let edges: Vec<Edge> = lines.iter().enumerate().map(Edge::new).collect();
    // At one place what begins comes before what ends, so that they are seen together.
    let mut events: Vec<(Coord, bool, Edge)> = edges
        .iter()
        .flat_map(|edge| [(edge.west, false, *edge), (edge.east, true, *edge)])
        .collect();
    events.sort_by(|(a, a_ends, _), (b, b_ends, _)| order(*a, *b).then(a_ends.cmp(b_ends)));
    // What the sweep crosses now, from south to north. Until two lines meet their order does not change.
    let mut crossed: BTreeSet<Edge> = BTreeSet::new();
    for (_, ends, edge) in events {
        if ends {
            crossed.remove(&edge);
        } else {
            crossed.insert(edge);
        }
        let south = crossed.range(..edge).next_back();
        let north = crossed
            .range((Bound::Excluded(edge), Bound::Unbounded))
            .next();
        let pairs = if ends {
            [south.zip(north), None]
        } else {
            [south.zip(Some(&edge)), north.zip(Some(&edge))]
        };
        for (a, b) in pairs.into_iter().flatten() {
            let (first, second) = (a.index.min(b.index), a.index.max(b.index));
            if a.line().intersects(&b.line()) && !may(first, second) {
                return Some((first, second));
            }
        }
    }
    None
}

/// From west to east, and from south to north.
fn order(a: Coord, b: Coord) -> Ordering {
    // Zero has one sign only.
    (a.x + 0.0)
        .total_cmp(&(b.x + 0.0))
        .then((a.y + 0.0).total_cmp(&(b.y + 0.0)))
}

impl Edge {
    fn new((index, line): (usize, &Line)) -> Self {
        let (west, east) = match order(line.start, line.end) {
            Ordering::Greater => (line.end, line.start),
            _ => (line.start, line.end),
        };
        Self { index, west, east }
    }

    fn line(&self) -> Line {
        Line::new(self.west, self.east)
    }

    /// On which side of this edge one lies that begins with it or further east.
    fn side_of(&self, other: &Self) -> Ordering {
        let side = |at: Coord| match RobustKernel::orient2d(self.west, self.east, at) {
            // The other one is further north.
            Orientation::CounterClockwise => Ordering::Less,
            Orientation::Clockwise => Ordering::Greater,
            Orientation::Collinear => Ordering::Equal,
        };
        side(other.west).then_with(|| side(other.east))
    }
}

impl Ord for Edge {
    fn cmp(&self, other: &Self) -> Ordering {
        let side = match order(self.west, other.west) {
            Ordering::Greater => other.side_of(self).reverse(),
            _ => self.side_of(other),
        };
        side.then(self.index.cmp(&other.index))
    }
}

impl PartialOrd for Edge {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Edge {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Edge {}
