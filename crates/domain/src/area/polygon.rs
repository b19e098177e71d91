//! Areas drawn on a map.

use geo::{
    Coord, Line, LineString, Relate as _,
    coordinate_position::{CoordPos, coord_pos_relative_to_ring},
    dimensions::Dimensions,
    line_intersection::{LineIntersection, line_intersection},
};
use serde::{Deserialize, Serialize};

use super::{Coordinates, meeting::meeting};
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
        let mut before: Vec<Ring> = Vec::new();
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
            match hole.beside(outer).filter(|hole| hole.is_within(outer)) {
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
                Some(hole) => before.push(hole),
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
            coord_pos_relative_to_ring(at, &outer.0) != CoordPos::Outside
        })?;
        let corners = self.0.into_iter().map(|corner| Coord {
            x: corner.x + turn,
            y: corner.y,
        });
        Some(Self(corners.collect()))
    }

    /// Whether no edge meets one of the other ring.
    fn is_apart_from(&self, other: &Self) -> bool {
        let edges: Vec<Line> = self.0.lines().chain(other.0.lines()).collect();
        let own = self.0.lines().len();
        // Within a ring they are known to meet at corners alone.
        meeting(&edges, |first, second| (first < own) == (second < own)).is_none()
    }

    /// Whether nothing of it is beyond the other ring. It may touch it.
    fn is_within(&self, outer: &Self) -> bool {
        let mut corners = self.0.coords();
        let is_in =
            |corner: &Coord| coord_pos_relative_to_ring(*corner, &outer.0) != CoordPos::Outside;
        if !corners.all(is_in) {
            return false;
        }
        self.is_apart_from(outer) || self.area().relate(&outer.area()).is_coveredby()
    }

    /// Whether they have more than edges and corners in common.
    fn overlaps(&self, other: &Self) -> bool {
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
