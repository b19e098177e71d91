//! Areas drawn on a map, against an oracle that counts windings in whole numbers.

use domain::{AreaBasis, AreaVerdict, Coordinates, Place, Polygon, ServiceArea, WorkflowConfig};
use proptest::prelude::*;
use serde_json::json;

/// Corners on a grid, so that points often lie on edges and corners.
type Point = (i64, i64);

/// Grid units in a degree: fractions of two, which floating point holds exactly.
const EXACT: i64 = 4;
/// The same in tenths, which it rounds: nearly no point of a sloping edge is on it to the last bit.
const ROUNDED: i64 = 10;

fn cross(a: Point, b: Point, c: Point) -> i64 {
    (b.0 - a.0) * (c.1 - a.1) - (b.1 - a.1) * (c.0 - a.0)
}

fn is_on(a: Point, b: Point, p: Point) -> bool {
    let between = |a: i64, b: i64, p: i64| a.min(b) <= p && p <= a.max(b);
    cross(a, b, p) == 0 && between(a.0, b.0, p.0) && between(a.1, b.1, p.1)
}

fn edges(ring: &[Point]) -> impl Iterator<Item = (Point, Point)> {
    let next = ring.iter().cycle().skip(1);
    ring.iter().copied().zip(next.copied())
}

/// Whether `p` is on the ring (`None`), else how often the ring winds around it.
fn windings(ring: &[Point], p: Point) -> Option<i64> {
    let mut windings = 0;
    for (a, b) in edges(ring) {
        if is_on(a, b, p) {
            return None;
        }
        let side = cross(a, b, p);
        if a.1 <= p.1 && b.1 > p.1 && side > 0 {
            windings += 1;
        } else if a.1 > p.1 && b.1 <= p.1 && side < 0 {
            windings -= 1;
        }
    }
    Some(windings)
}

fn is_inside(ring: &[Point], holes: &[Vec<Point>], p: Point) -> bool {
    let is_left_out = |hole: &Vec<Point>| windings(hole, p).is_some_and(|count| count != 0);
    windings(ring, p) != Some(0) && !holes.iter().any(is_left_out)
}

/// Whether two edges have a point in common.
fn meet(a: (Point, Point), b: (Point, Point)) -> bool {
    let sign = |p, q, r| cross(p, q, r).signum();
    let crosses = sign(a.0, a.1, b.0) * sign(a.0, a.1, b.1) < 0
        && sign(b.0, b.1, a.0) * sign(b.0, b.1, a.1) < 0;
    crosses
        || is_on(a.0, a.1, b.0)
        || is_on(a.0, a.1, b.1)
        || is_on(b.0, b.1, a.0)
        || is_on(b.0, b.1, a.1)
}

/// Whether no two edges meet but neighbors at their corner.
fn is_simple(ring: &[Point]) -> bool {
    let edges: Vec<_> = edges(ring).collect();
    let count = edges.len();
    (0..count).all(|i| {
        (i + 1..count).all(|j| {
            let (a, b) = (edges[i], edges[j]);
            if j == i + 1 {
                !is_on(a.0, a.1, b.1) && !is_on(b.0, b.1, a.0)
            } else if i == 0 && j == count - 1 {
                !is_on(a.0, a.1, b.0) && !is_on(b.0, b.1, a.1)
            } else {
                !meet(a, b)
            }
        })
    })
}

/// Points of a ring's edges of which each part between two meetings with another ring has one; all of them times the
/// number, so that they are whole.
fn between(ring: &[Point], other: &[Point]) -> Vec<(Point, i64)> {
    let mut found = Vec::new();
    for (a, b) in edges(ring) {
        // Where on the edge it meets another: `part / whole` of it.
        let mut parts = vec![(0, 1), (1, 1)];
        for (c, d) in edges(other) {
            let (side_c, side_d) = (cross(c, d, a), cross(c, d, b));
            if side_c != side_d {
                let (part, whole) = (side_c, side_c - side_d);
                parts.push((part * whole.signum(), whole.abs()));
            }
            let length = (b.0 - a.0).pow(2) + (b.1 - a.1).pow(2);
            for corner in [c, d] {
                let along = (corner.0 - a.0) * (b.0 - a.0) + (corner.1 - a.1) * (b.1 - a.1);
                parts.push((along, length));
            }
        }
        parts.retain(|(part, whole)| (0..=*whole).contains(part));
        parts.sort_by(|(p, q), (r, s)| (p * s).cmp(&(r * q)));
        for pair in parts.windows(2) {
            let ((p, q), (r, s)) = (pair[0], pair[1]);
            let (part, whole) = (p * s + r * q, 2 * q * s);
            if p * s != r * q {
                let on = |a: i64, b: i64| a * whole + (b - a) * part;
                found.push(((on(a.0, b.0), on(a.1, b.1)), whole));
            }
        }
    }
    found
}

/// How often the ring winds around what is this point by the number.
fn windings_around(ring: &[Point], (point, times): (Point, i64)) -> Option<i64> {
    let larger: Vec<_> = ring.iter().map(|(x, y)| (x * times, y * times)).collect();
    windings(&larger, point)
}

/// Whether all of the ring is in the other, or on its edge.
fn is_within(ring: &[Point], outer: &[Point]) -> bool {
    let mut points = between(ring, outer).into_iter();
    points.all(|point| windings_around(outer, point) != Some(0))
}

/// Whether the insides of two rings have a point in common.
fn overlap(a: &[Point], b: &[Point]) -> bool {
    let is_inside = |point| windings_around(b, point).is_some_and(|count| count != 0);
    let is_outside = |point| windings_around(b, point) == Some(0);
    let points = between(a, b);
    let mut others = between(b, a).into_iter();
    points.iter().any(|point| is_inside(*point))
        || others.any(|point| windings_around(a, point).is_some_and(|count| count != 0))
        // Of the same edge.
        || !points.iter().any(|point| is_outside(*point))
}

/// Twice the size of a ring.
fn size(ring: &[Point]) -> i64 {
    let turns = edges(ring).map(|(a, b)| a.0 * b.1 - b.0 * a.1);
    turns.sum::<i64>().abs()
}

/// The corners in degrees, moved east by `shift` degrees, around the globe if need be.
fn degrees(ring: &[Point], shift: i64, units: i64) -> Vec<[f64; 2]> {
    let corners = ring.iter().map(|point| degrees_of(*point, shift, units));
    corners.collect()
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn degrees_of((x, y): Point, shift: i64, units: i64) -> [f64; 2] {
    let longitude = x as f64 / units as f64 + shift as f64;
    let longitude = (longitude + 540.0).rem_euclid(360.0) - 180.0;
    [longitude, y as f64 / units as f64]
}

fn verdict(area: &ServiceArea, [longitude, latitude]: [f64; 2]) -> AreaVerdict {
    area.verdict(&Place {
        coordinates: Some(Coordinates {
            latitude,
            longitude,
        }),
        ..Place::default()
    })
}

fn area(polygon: Polygon) -> ServiceArea {
    ServiceArea {
        polygons: vec![polygon],
        ..ServiceArea::default()
    }
}

fn faults(polygon: &Polygon) -> Vec<String> {
    let config = WorkflowConfig {
        service_area: area(polygon.clone()),
        ..WorkflowConfig::default()
    };
    let faults = config.check().err().map(|error| error.faults);
    let paths = faults.into_iter().flatten().map(|fault| fault.path);
    paths.collect()
}

/// A ring around the middle with a corner in each of some directions, and one from anywhere.
fn ring() -> impl Strategy<Value = Vec<Point>> {
    let around = prop::collection::vec((0u32..24, 2i64..=20), 3..9).prop_map(|mut corners| {
        corners.sort_unstable();
        corners.dedup_by_key(|corner| corner.0);
        let point = |(direction, far): (u32, i64)| {
            let angle = f64::from(direction) * std::f64::consts::TAU / 24.0;
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                reason = "small numbers"
            )]
            let on = |part: f64| (part * far as f64).round() as i64;
            (on(angle.cos()), on(angle.sin()))
        };
        corners.into_iter().map(point).collect()
    });
    let anywhere = prop::collection::vec((-6i64..=6, -6i64..=6), 3..7);
    prop_oneof![around, anywhere]
}

/// Without what repeats the corner before.
fn distinct(mut ring: Vec<Point>) -> Vec<Point> {
    ring.dedup();
    if ring.len() > 1 && ring.first() == ring.last() {
        ring.pop();
    }
    ring
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_polygon_holds_what_the_oracle_says(
        outer in ring(),
        holes in prop::collection::vec(ring(), 0..3),
        shift in prop::sample::select(vec![0i64, -97, 179, 180, -178]),
        units in prop::sample::select(vec![EXACT, ROUNDED]),
        points in prop::collection::vec((-22i64..=22, -22i64..=22), 40),
        is_closed: bool,
        is_turned: bool,
    ) {
        let mut outer = distinct(outer);
        if is_turned {
            outer.reverse();
        }
        // Smaller by half, a hole often lies inside.
        let smaller = |hole: Vec<Point>| hole.into_iter().map(|(x, y)| (x / 2, y / 2)).collect();
        let holes = holes.into_iter().map(smaller).map(distinct);
        let holes: Vec<_> = holes.filter(|hole| hole.len() >= 3 && is_simple(hole)).collect();
        let is_area = outer.len() >= 3 && is_simple(&outer);

        let mut polygon = Polygon {
            name: "drawn".to_owned(),
            ring: degrees(&outer, shift, units),
            holes: holes.iter().map(|hole| degrees(hole, shift, units)).collect(),
        };
        if is_closed {
            polygon.ring.extend(polygon.ring.first().copied());
        }
        let mut refused = Vec::new();
        if !is_area {
            refused.push("service_area.polygons.0.ring".to_owned());
        } else {
            let mut before: Vec<&Vec<Point>> = Vec::new();
            let mut left = size(&outer);
            for (index, hole) in holes.iter().enumerate() {
                let has_place = is_within(hole, &outer)
                    && !before.iter().any(|before| overlap(before, hole))
                    && size(hole) < left;
                if has_place {
                    left -= size(hole);
                    before.push(hole);
                } else {
                    refused.push(format!("service_area.polygons.0.holes.{index}"));
                }
            }
        }
        let found = faults(&polygon);
        if units == ROUNDED {
            // What only just touches may be told from what does not; what is well is taken.
            prop_assert!(!refused.is_empty() || outer.len() < 3 || found.is_empty(), "{:?}", found);
        } else if outer.len() >= 3 {
            prop_assert_eq!(&found, &refused);
        } else {
            prop_assert!(!found.is_empty());
        }
        prop_assume!(is_area);
        let area = area(polygon);
        for point in points.iter().chain(&outer).chain(holes.iter().flatten()) {
            let expected = if is_inside(&outer, &holes, *point) {
                AreaVerdict::In(AreaBasis::Polygon)
            } else {
                AreaVerdict::Out(AreaBasis::Polygon)
            };
            let at = degrees_of(*point, shift, units);
            prop_assert_eq!(verdict(&area, at), expected, "{:?} at {:?}", point, at);
        }
    }
}

#[test]
fn an_area_across_the_date_line_is_one() {
    let fiji = Polygon {
        name: "Fiji".to_owned(),
        ring: vec![
            [177.0, -19.0],
            [-179.0, -19.0],
            [-179.0, -16.0],
            [177.0, -16.0],
        ],
        holes: vec![vec![
            [179.5, -18.0],
            [-179.5, -18.0],
            [-179.5, -17.0],
            [179.5, -17.0],
        ]],
    };
    assert_eq!(faults(&fiji), [""; 0]);
    let area = area(fiji);
    for (at, is_in) in [
        ([178.0, -18.0], true),
        ([-179.2, -17.5], true),
        ([180.0, -16.5], true),
        ([-180.0, -16.5], true),
        ([180.0, -17.5], false),
        ([-180.0, -17.5], false),
        ([179.5, -17.5], true),
        ([-178.9, -17.5], false),
        ([0.0, -17.5], false),
    ] {
        let basis = AreaBasis::Polygon;
        let expected = if is_in {
            AreaVerdict::In(basis)
        } else {
            AreaVerdict::Out(basis)
        };
        assert_eq!(verdict(&area, at), expected, "{at:?}");
    }
}

#[test]
fn a_slope_belongs_to_its_area_however_its_points_are_rounded() {
    let slope = |tenths: i32| {
        let longitude = -98.2 + f64::from(tenths) / 10.0;
        [longitude, 30.0 + f64::from(tenths) / 10.0]
    };
    let drawn = |holes: &[&[[f64; 2]]]| Polygon {
        name: "slope".to_owned(),
        ring: vec![[-98.2, 30.0], [-97.3, 30.0], [-97.3, 30.9]],
        holes: holes.iter().map(|hole| hole.to_vec()).collect(),
    };
    let in_area = |polygon: &Polygon, at| {
        verdict(&area(polygon.clone()), at) == AreaVerdict::In(AreaBasis::Polygon)
    };
    let written = [
        [-97.9, 30.3],
        [-97.4, 30.8],
        [-97.5, 30.7],
        [-97.75, 30.45],
        [-98.1, 30.1],
        [-98.0, 30.2],
    ];
    let plain = drawn(&[]);
    for at in (0..=9).map(slope).chain(written) {
        assert!(in_area(&plain, at), "{at:?}");
        // A millimeter beside it is not on it.
        assert!(!in_area(&plain, [at[0] - 1e-8, at[1] + 1e-8]), "{at:?}");
    }
    // A hole's edge, and one that lies on the ring's.
    let hole = [[-97.9, 30.3], [-97.8, 30.3], [-97.8, 30.4]];
    let with_hole = drawn(&[&hole]);
    assert_eq!(faults(&with_hole), [""; 0]);
    for at in [[-97.85, 30.35], [-97.83, 30.37], [-97.8, 30.35]] {
        assert!(in_area(&with_hole, at), "{at:?}");
    }
    assert!(!in_area(&with_hole, [-97.82, 30.33]));
}

#[test]
fn of_an_area_something_is_left() {
    let ring = [[-98.2, 30.0], [-97.3, 30.0], [-97.3, 30.9]];
    let turned = [[-97.3, 30.9], [-97.3, 30.0], [-98.2, 30.0], [-97.3, 30.9]];
    let halves = [
        vec![[-98.2, 30.0], [-97.3, 30.0], [-97.75, 30.45]],
        vec![[-97.3, 30.0], [-97.3, 30.9], [-97.75, 30.45]],
    ];
    for (holes, refused) in [
        (vec![ring.to_vec()], Some(0)),
        (vec![turned.to_vec()], Some(0)),
        (vec![halves[0].clone()], None),
        (halves.to_vec(), Some(1)),
    ] {
        let polygon = Polygon {
            name: "hollow".to_owned(),
            ring: ring.to_vec(),
            holes,
        };
        let refused = refused.map(|index| format!("service_area.polygons.0.holes.{index}"));
        let refused: Vec<_> = refused.into_iter().collect();
        assert_eq!(faults(&polygon), refused, "{polygon:?}");
    }
}

#[test]
fn a_ring_around_a_pole_is_refused() {
    let polygon = Polygon {
        name: "Arctic".to_owned(),
        ring: vec![[-120.0, 70.0], [0.0, 70.0], [120.0, 70.0]],
        holes: Vec::new(),
    };
    assert_eq!(faults(&polygon), ["service_area.polygons.0.ring"]);
}

#[test]
fn without_coordinates_a_drawn_area_says_nothing() {
    let polygon = json!({ "name": "North", "ring": [[0, 0], [1, 0], [1, 1]] });
    let json = json!({ "service_area": { "postal_codes": ["78664"], "polygons": [polygon] } });
    let area = WorkflowConfig::read(&json).unwrap().service_area;
    assert_eq!(area.verdict(&Place::default()), AreaVerdict::Unknown);
    // Nor does the list of ZIP codes speak against one that it lacks: the polygon may hold it.
    for (code, verdict) in [
        ("78664", AreaVerdict::In(AreaBasis::PostalCode)),
        ("78701", AreaVerdict::Unknown),
    ] {
        let place = Place {
            postal_code: Some(domain::PostalCode::parse(code).unwrap()),
            ..Place::default()
        };
        assert_eq!(area.verdict(&place), verdict, "{code}");
    }
}

#[test]
fn five_thousand_points_are_checked_and_asked() {
    // A comb whose slanting teeth all lie beside each other: nearly every two share longitudes and latitudes.
    let tooth = |index: u32| {
        let far = if index.is_multiple_of(2) { 0.0 } else { 4.0 };
        [far, far + f64::from(index) / 5_000.0]
    };
    let mut comb = Polygon {
        name: "comb".to_owned(),
        ring: (0..4_997).map(tooth).chain([[-1.0, -1.0]]).collect(),
        holes: Vec::new(),
    };
    assert_eq!(faults(&comb), [""; 0]);
    comb.ring[3_000][1] -= 0.001;
    assert_eq!(faults(&comb), ["service_area.polygons.0.ring"]);
    // A star of spikes.
    let corner = |index: u32| {
        let angle = f64::from(index) * std::f64::consts::TAU / 4_998.0;
        let far = if index.is_multiple_of(2) { 2.0 } else { 1.9 };
        [-97.0 + far * angle.cos(), 30.0 + far * angle.sin()]
    };
    let star = Polygon {
        name: "star".to_owned(),
        ring: (0..4_998).map(corner).collect(),
        holes: Vec::new(),
    };
    assert_eq!(faults(&star), [""; 0]);
    assert!(star.contains(Coordinates {
        latitude: 30.0,
        longitude: -97.0
    }));
    assert!(star.contains(Coordinates {
        latitude: 30.0,
        longitude: -95.0
    }));
    assert!(!star.contains(Coordinates {
        latitude: 30.0,
        longitude: -94.9
    }));
}
