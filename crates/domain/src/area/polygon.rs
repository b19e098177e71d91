//! Areas drawn on a map.

use geo::{
    Area as _, Coord, Line, LineString, Relate as _,
    coordinate_position::{CoordPos, coord_pos_relative_to_ring},
    dimensions::Dimensions,
    line_intersection::{LineIntersection, line_intersection},
};
use serde::{Deserialize, Serialize};

use super::{Coordinates, meeting::meeting};
use crate::ConfigFault;

/// How far off a sloping edge a place may be that lies on it, in degrees: a tenth of a millimeter. Decimal degrees are
/// rounded to what floating point holds, and then hardly any point of a slope is on it to the last bit.
const TOLERANCE: f64 = 1e-9;
/// The share of a polygon's size up to which nothing is left of it.
const NOTHING: f64 = 1e-9;

/// An area drawn on a map, its edges included. Edges are straight in degrees, as in RFC 7946; one that
/// spans more than 180 degrees of longitude goes the other way, across the date line.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Polygon {
    /// Its name, as people read it.
    pub name: String,
    /// Its corners in order, as `[longitude, latitude]` in degrees. Whether the first is repeated at the end does not
    /// matter, nor does the direction.
    pub ring: Vec<[f64; 2]>,
    /// What is left out of it, drawn in the same way. A hole's edge still belongs to the area.
    pub holes: Vec<Vec<[f64; 2]>>,
}

/// A closed ring whose longitudes go on beyond 180 degrees where it crosses the date line.
struct Ring(LineString);

/// Why a list of corners is no ring.
enum NoRing {
    FewCorners,
    AroundAPole,
    Crosses(usize, usize),
}

impl Polygon {
    /// How many points it has, those of its holes included.
    pub(super) fn points(&self) -> usize {
        self.ring.len() + self.holes.iter().map(Vec::len).sum::<usize>()
    }

    /// Whether the place is in it, or on an edge.
    pub fn contains(&self, at: Coordinates) -> bool {
        let Ok(outer) = Ring::of(&self.ring) else {
            return false;
        };
        let is_left_out = |hole: &Vec<[f64; 2]>| {
            Ring::of(hole).is_ok_and(|hole| hole.position(at) == CoordPos::Inside)
        };
        outer.position(at) != CoordPos::Outside && !self.holes.iter().any(is_left_out)
    }

    /// What makes it no area, each fault under the polygon's path.
    pub(super) fn faults(&self, path: &str) -> Vec<ConfigFault> {
        let mut faults = Vec::new();
        let outer = match Ring::of(&self.ring).and_then(Ring::simple) {
            Ok(ring) => Some(ring),
            Err(fault) => {
                faults.push(fault.at(&format!("{path}.ring")));
                None
            }
        };
        let mut before: Vec<Ring> = Vec::new();
        let mut left = outer.as_ref().map_or(0.0, Ring::size);
        let least = left * NOTHING;
        for (index, corners) in self.holes.iter().enumerate() {
            let path = format!("{path}.holes.{index}");
            let hole = match Ring::of(corners).and_then(Ring::simple) {
                Ok(hole) => hole,
                Err(fault) => {
                    faults.push(fault.at(&path));
                    continue;
                }
            };
            let Some(outer) = &outer else {
                continue;
            };
            let beside = hole.beside(outer).map(|hole| hole.joined_to(outer));
            match beside.filter(|hole| hole.is_within(outer)) {
                None => faults.push(ConfigFault::new(
                    &path,
                    "a hole inside of its polygon's ring; this one reaches beyond it",
                )),
                Some(hole) if before.iter().any(|before| before.overlaps(&hole)) => {
                    faults.push(ConfigFault::new(
                        &path,
                        "a hole that has nothing in common with those before; draw overlapping ones as one",
                    ));
                }
                Some(hole) if left - hole.size() <= least => faults.push(ConfigFault::new(
                    &path,
                    "a hole that leaves something of its polygon; with this one nothing of it is left",
                )),
                Some(hole) => {
                    left -= hole.size();
                    before.push(hole);
                }
            }
        }
        faults
    }
}

impl Ring {
    fn of(corners: &[[f64; 2]]) -> Result<Self, NoRing> {
        let mut ring: Vec<Coord> = Vec::with_capacity(corners.len() + 1);
        let mut shift = 0.0;
        // Back to the first, which may be there already.
        for [longitude, latitude] in corners.iter().chain(corners.first()) {
            if let Some(before) = ring.last() {
                let step = longitude + shift - before.x;
                if step > 180.0 {
                    shift -= 360.0;
                } else if step < -180.0 {
                    shift += 360.0;
                }
            }
            let corner = Coord {
                x: longitude + shift,
                y: *latitude,
            };
            if ring.last() != Some(&corner) {
                ring.push(corner);
            }
        }
        // Three corners, and the first again.
        if ring.len() < 4 {
            return Err(NoRing::FewCorners);
        }
        let (west, east) = ring.iter().fold(
            (f64::INFINITY, f64::NEG_INFINITY),
            |(west, east), corner| (west.min(corner.x), east.max(corner.x)),
        );
        if ring.first() != ring.last() || east - west > 360.0 {
            return Err(NoRing::AroundAPole);
        }
        Ok(Self(LineString::new(ring)))
    }

    fn position(&self, at: Coordinates) -> CoordPos {
        for turn in [0.0, 360.0, -360.0] {
            let at = Coord {
                x: at.longitude + turn,
                y: at.latitude,
            };
            let position = self.place_of(at);
            if position != CoordPos::Outside {
                return position;
            }
        }
        CoordPos::Outside
    }

    /// Where a place is whose longitude goes on as the ring's do. What is as good as on an edge is on it.
    fn place_of(&self, at: Coord) -> CoordPos {
        if self.0.lines().any(|edge| is_on(edge, at)) {
            CoordPos::OnBoundary
        } else {
            coord_pos_relative_to_ring(at, &self.0)
        }
    }

    /// The ring, if no two of its edges meet but neighbors at their corner.
    fn simple(self) -> Result<Self, NoRing> {
        let edges: Vec<Line> = self.0.lines().collect();
        let may = |first: usize, second: usize| {
            let are_neighbors = second - first == 1 || (first == 0 && second == edges.len() - 1);
            let met = edges.get(first).zip(edges.get(second));
            let met = met.and_then(|(a, b)| line_intersection(*a, *b));
            are_neighbors && !matches!(met, Some(LineIntersection::Collinear { .. }))
        };
        match meeting(&edges, may) {
            Some((first, second)) => Err(NoRing::Crosses(first, second)),
            None => Ok(self),
        }
    }

    /// The same on the side of the date line on which `outer` holds its first corner.
    fn beside(self, outer: &Self) -> Option<Self> {
        let first = self.0.0.first().copied()?;
        let turn = [0.0, 360.0, -360.0].into_iter().find(|turn| {
            let at = Coord {
                x: first.x + turn,
                y: first.y,
            };
            outer.place_of(at) != CoordPos::Outside
        })?;
        let corners = self.0.into_iter().map(|corner| Coord {
            x: corner.x + turn,
            y: corner.y,
        });
        Some(Self(corners.collect()))
    }

    /// The same ring with each corner of the other that is as good as on it as a corner of its own: then both have those
    /// corners in common to the last bit, and what follows is exact.
    fn joined_to(&self, other: &Self) -> Self {
        let mut ring: Vec<Coord> = Vec::new();
        let mut push = |corner: Coord| {
            if ring.last() != Some(&corner) {
                ring.push(corner);
            }
        };
        for edge in self.0.lines() {
            let along = |corner: &Coord| dot(*corner - edge.start, edge.delta());
            let common = other.0.coords().copied();
            let mut common: Vec<_> = common.filter(|corner| is_on(edge, *corner)).collect();
            common.sort_by(|a, b| along(a).total_cmp(&along(b)));
            let is_start = |corner: &Coord| is_near(*corner, edge.start);
            if !common.iter().any(is_start) {
                push(edge.start);
            }
            // The next edge begins with its end.
            let before_end = common
                .into_iter()
                .filter(|corner| !is_near(*corner, edge.end));
            before_end.for_each(&mut push);
        }
        let first = ring.first().copied();
        ring.extend(first);
        Self(LineString::new(ring))
    }

    /// Its size in square degrees.
    fn size(&self) -> f64 {
        self.area().unsigned_area()
    }

    /// Whether no edge meets one of the other ring.
    fn is_apart_from(&self, other: &Self) -> bool {
        let edges: Vec<Line> = self.0.lines().chain(other.0.lines()).collect();
        let own = self.0.lines().len();
        // Within a ring they are known to meet at corners alone.
        meeting(&edges, |first, second| (first < own) == (second < own)).is_none()
    }

    /// Whether nothing of it is beyond the other ring, to which it was joined. It may touch it.
    fn is_within(&self, outer: &Self) -> bool {
        let mut corners = self.0.coords();
        if !corners.all(|corner| outer.place_of(*corner) != CoordPos::Outside) {
            return false;
        }
        let outer = outer.joined_to(self);
        self.is_apart_from(&outer) || self.area().relate(&outer.area()).is_coveredby()
    }

    /// Whether they have more than edges and corners in common.
    fn overlaps(&self, other: &Self) -> bool {
        let other = &other.joined_to(self);
        let joined = self.joined_to(other);
        joined.has_in_common_with(other)
    }

    fn has_in_common_with(&self, other: &Self) -> bool {
        let holds = |outer: &Self, inner: &Self| {
            let mut corners = inner.0.coords();
            corners.next().is_some_and(|corner| {
                coord_pos_relative_to_ring(*corner, &outer.0) == CoordPos::Inside
            })
        };
        if self.is_apart_from(other) {
            return holds(self, other) || holds(other, self);
        }
        let common = self.area().relate(&other.area());
        common.get(CoordPos::Inside, CoordPos::Inside) != Dimensions::Empty
    }

    fn area(&self) -> geo::Polygon {
        geo::Polygon::new(self.0.clone(), Vec::new())
    }
}

/// Whether a place is as good as on an edge.
fn is_on(edge: Line, at: Coord) -> bool {
    let (along, from_start) = (edge.delta(), at - edge.start);
    let part = (dot(from_start, along) / dot(along, along)).clamp(0.0, 1.0);
    is_near(edge.start + along * part, at)
}

fn is_near(a: Coord, b: Coord) -> bool {
    (a.x - b.x).hypot(a.y - b.y) <= TOLERANCE
}

fn dot(a: Coord, b: Coord) -> f64 {
    a.x * b.x + a.y * b.y
}

impl NoRing {
    fn at(&self, path: &str) -> ConfigFault {
        let message = match self {
            Self::FewCorners => "at least three different corners".to_owned(),
            Self::AroundAPole => "a ring that does not go around a pole of the globe".to_owned(),
            Self::Crosses(first, second) => format!(
                "a ring whose edges do not cross or touch: the edges behind its different corners {first} and {second} do"
            ),
        };
        ConfigFault::new(path, message)
    }
}
