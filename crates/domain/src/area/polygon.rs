//! Areas drawn on a map.

use geo::{
    Coord, Intersects as _, Line, LineString,
    coordinate_position::{CoordPos, coord_pos_relative_to_ring},
    line_intersection::{LineIntersection, line_intersection},
};
use serde::{Deserialize, Serialize};

use super::Coordinates;
use crate::ConfigFault;

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
    #[serde(skip_serializing_if = "Vec::is_empty")]
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
        for (index, corners) in self.holes.iter().enumerate() {
            let path = format!("{path}.holes.{index}");
            if let Err(fault) = Ring::of(corners).and_then(Ring::simple) {
                faults.push(fault.at(&path));
                continue;
            }
            let is_within = |outer: &Ring| {
                let mut corners = corners.iter();
                corners.all(|[longitude, latitude]| {
                    outer.position(Coordinates {
                        latitude: *latitude,
                        longitude: *longitude,
                    }) != CoordPos::Outside
                })
            };
            if outer.as_ref().is_some_and(|outer| !is_within(outer)) {
                faults.push(ConfigFault::new(
                    &path,
                    "a hole inside of its polygon's ring; this one reaches beyond it",
                ));
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
            let position = coord_pos_relative_to_ring(at, &self.0);
            if position != CoordPos::Outside {
                return position;
            }
        }
        CoordPos::Outside
    }

    /// The ring, if no two of its edges meet but neighbors at their corner.
    fn simple(self) -> Result<Self, NoRing> {
        let mut edges: Vec<(usize, Line)> = self.0.lines().enumerate().collect();
        let count = edges.len();
        let west = |line: &Line| line.start.x.min(line.end.x);
        let east = |line: &Line| line.start.x.max(line.end.x);
        // Only edges that share a longitude can meet.
        edges.sort_by(|(_, a), (_, b)| west(a).total_cmp(&west(b)));
        for (place, (i, edge)) in edges.iter().enumerate() {
            let further = edges.iter().skip(place + 1);
            for (j, other) in further.take_while(|(_, other)| west(other) <= east(edge)) {
                let (first, second) = (*i.min(j), *i.max(j));
                let are_neighbors = second - first == 1 || (first == 0 && second == count - 1);
                let meet = if are_neighbors {
                    let met = line_intersection(*edge, *other);
                    matches!(met, Some(LineIntersection::Collinear { .. }))
                } else {
                    edge.intersects(other)
                };
                if meet {
                    return Err(NoRing::Crosses(first, second));
                }
            }
        }
        Ok(self)
    }
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
