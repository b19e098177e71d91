import { Delaunay } from 'd3-delaunay';
import { geoMercator, geoPath } from 'd3-geo';
import { type PointerEvent, useId, useMemo, useRef, useState } from 'react';
import { type Area, circleRing, coveredBy, type Point } from '../../../map/area';
import type { StateMap } from '../../../map/state-map';
import { useKeys } from '../../../shell/shortcuts';
import { number } from '../../../text/format';
import Button from '../../../ui/button/button';
import styles from '../page.module.css';

const [WIDTH, HEIGHT, EDGE] = [880, 620, 16];
const CLOSEST = 40;

export type Mode = 'move' | 'zip' | 'circle' | 'shape';
const MODES: readonly { mode: Mode; name: string; key: string; help: string }[] = [
  { mode: 'move', name: 'Move', key: 'v', help: 'Drag the map.' },
  { mode: 'zip', name: 'ZIP codes', key: 'z', help: 'Press a cell to take it in or out.' },
  { mode: 'circle', name: 'Circle', key: 'c', help: 'Press where its middle is.' },
  { mode: 'shape', name: 'Shape', key: 'p', help: 'Press corner after corner, then Close the shape.' },
];

/** A state with its ZIP codes as cells, what of it the area covers, and where leads came from. */
export default function AreaMap({
  state,
  map,
  area,
  leads,
  mayChange,
  onZip,
  onCircle,
  onShape,
}: {
  state: string;
  map: StateMap;
  area: Area;
  /** Leads by ZIP code. */
  leads: ReadonlyMap<string, number>;
  mayChange: boolean;
  onZip: (zip: string) => void;
  onCircle: (middle: Point) => void;
  onShape: (ring: Point[]) => void;
}) {
  const clip = useId();
  const svg = useRef<SVGSVGElement>(null);
  const [mode, setMode] = useState<Mode>('move');
  const [corners, setCorners] = useState<Point[]>([]);
  const dragged = useRef<{ x: number; y: number; isMoved: boolean } | null>(null);
  // Cells are drawn once a state: ZIP codes have no borders here, so each has what is nearest to its middle.
  const { project, cells, counties } = useMemo(() => {
    const projection = geoMercator().fitExtent(
      [
        [EDGE, EDGE],
        [WIDTH - EDGE, HEIGHT - EDGE],
      ],
      map.counties,
    );
    const at = map.zips.map(({ lon, lat }) => projection([lon, lat]) ?? [0, 0]);
    const voronoi = Delaunay.from(at as [number, number][]).voronoi([0, 0, WIDTH, HEIGHT]);
    return {
      project: projection,
      counties: geoPath(projection)(map.counties) ?? '',
      cells: map.zips.map((zip, index) => ({
        zip,
        path: voronoi.renderCell(index) ?? '',
        at: at[index] as [number, number],
      })),
    };
  }, [map]);
  const covers = coveredBy(area, state);
  // It opens on what is covered, with some land around it.
  const [view, setView] = useState(() =>
    viewOf(cells.filter(({ zip }) => covers(zip) !== null).map(({ at }) => at)),
  );
  const line = (ring: readonly Point[]) =>
    ring
      .map(
        (point) =>
          project([point[0], point[1]])
            ?.map((one) => one.toFixed(1))
            .join(',') ?? '',
      )
      .join(' ');
  const zoom = (by: number) =>
    setView(({ k, x, y }) => {
      const next = Math.max(1, Math.min(CLOSEST, k * by));
      return held({
        k: next,
        x: WIDTH / 2 - ((WIDTH / 2 - x) / k) * next,
        y: HEIGHT / 2 - ((HEIGHT / 2 - y) / k) * next,
      });
    });
  const close = () => {
    if (corners.length >= 3) onShape(corners);
    setCorners([]);
  };
  const onEnter = () => mode === 'shape' && close();
  const onBackspace = () => setCorners((before) => before.slice(0, -1));
  useKeys({
    ...Object.fromEntries(MODES.map((one) => [one.key, () => mayChange && setMode(one.mode)])),
    '+': () => zoom(1.6),
    '-': () => zoom(1 / 1.6),
    '0': () => setView(WHOLE),
    Enter: onEnter,
    Backspace: onBackspace,
  });
  /** Where on the map a pointer is, before it was zoomed. */
  const pointOf = (event: { clientX: number; clientY: number }): [number, number] => {
    const box = svg.current?.getBoundingClientRect();
    const scale = WIDTH / (box?.width || WIDTH);
    return [
      ((event.clientX - (box?.left ?? 0)) * scale - view.x) / view.k,
      ((event.clientY - (box?.top ?? 0)) * scale - view.y) / view.k,
    ];
  };
  const onDown = (event: PointerEvent<SVGSVGElement>) => {
    dragged.current = { x: event.clientX, y: event.clientY, isMoved: false };
  };
  const onMove = (event: PointerEvent<SVGSVGElement>) => {
    const from = dragged.current;
    if (!from || mode !== 'move') return;
    const scale = WIDTH / (svg.current?.getBoundingClientRect().width || WIDTH);
    const [dx, dy] = [(event.clientX - from.x) * scale, (event.clientY - from.y) * scale];
    dragged.current = { x: event.clientX, y: event.clientY, isMoved: true };
    setView(({ k, x, y }) => held({ k, x: x + dx, y: y + dy }));
  };
  const onUp = (event: PointerEvent<SVGSVGElement>) => {
    dragged.current = null;
    if (!mayChange || mode === 'move') return;
    const [x, y] = pointOf(event);
    const place = project.invert?.([x, y]);
    if (mode === 'zip') {
      const zip = event.target instanceof Element ? event.target.getAttribute('data-zip') : null;
      if (zip) onZip(zip);
    } else if (place) {
      const point: Point = [rounded(place[0]), rounded(place[1])];
      if (mode === 'circle') onCircle(point);
      else setCorners([...corners, point]);
    }
  };
  const inArea = cells.filter(({ zip }) => covers(zip) !== null).length;
  return (
    <div className={styles.mapBox}>
      <div className={styles.tools} role="toolbar" aria-label="Map">
        {MODES.map((one) => (
          <button
            type="button"
            key={one.mode}
            className={styles.tool}
            aria-pressed={mode === one.mode}
            disabled={!mayChange && one.mode !== 'move'}
            title={`${one.help} (${one.key})`}
            onClick={() => setMode(one.mode)}
          >
            {one.name}
          </button>
        ))}
        <span className={styles.zooms}>
          <button type="button" className={styles.tool} aria-label="Closer" onClick={() => zoom(1.6)}>
            +
          </button>
          <button type="button" className={styles.tool} aria-label="Farther" onClick={() => zoom(1 / 1.6)}>
            −
          </button>
          <button type="button" className={styles.tool} onClick={() => setView(WHOLE)}>
            Whole
          </button>
        </span>
      </div>
      <svg
        ref={svg}
        className={styles.map}
        data-mode={mode}
        data-whole={view.k === 1 || undefined}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${state}: ${number(inArea)} of ${number(cells.length)} ZIP codes are in the area. The lists beside it say the same.`}
        onPointerDown={onDown}
        onPointerMove={onMove}
        onPointerUp={onUp}
        onPointerLeave={() => {
          dragged.current = null;
        }}
      >
        <clipPath id={clip}>
          <path d={counties} />
        </clipPath>
        <g transform={`translate(${view.x} ${view.y}) scale(${view.k})`}>
          <g clipPath={`url(#${clip})`}>
            {cells.map(({ zip, path }) => (
              <path
                key={zip.zip}
                d={path}
                className={styles.cell}
                data-zip={zip.zip}
                data-in={covers(zip) ?? undefined}
              >
                <title>{`${zip.zip} ${zip.place}`}</title>
              </path>
            ))}
          </g>
          <path d={counties} className={styles.counties} />
          {area.radius && <polygon points={line(circleRing(area.radius))} className={styles.drawn} />}
          {area.polygons.map(({ name, ring }) => (
            <polygon key={`${name} ${ring.length}`} points={line(ring)} className={styles.drawn} />
          ))}
          {corners.length > 0 && <polyline points={line(corners)} className={styles.drawing} />}
          {cells.map(({ zip, at }) => {
            const count = leads.get(zip.zip);
            if (!count) return null;
            return (
              <circle
                key={zip.zip}
                cx={at[0]}
                cy={at[1]}
                r={(3 + Math.min(7, Math.sqrt(count))) / view.k}
                className={styles.lead}
                data-in={covers(zip) ?? undefined}
              />
            );
          })}
        </g>
      </svg>
      {corners.length > 0 && (
        <p className={styles.corners}>
          {corners.length} {corners.length === 1 ? 'corner' : 'corners'}
          <Button disabled={corners.length < 3} onClick={close}>
            Close the shape
          </Button>
          <Button look="quiet" onClick={() => setCorners([])}>
            Drop it
          </Button>
        </p>
      )}
      <p className={styles.legend}>
        <span data-look="zip" /> in by its ZIP code <span data-look="town" /> in by its town{' '}
        <span data-look="drawn" /> circle and shapes <span data-look="lead" /> leads of 90 days. Cells are
        what is nearest to the middle of a ZIP code, which is near to the truth and no more. Map: U.S. Census
        Bureau, GeoNames (CC BY 4.0).
      </p>
    </div>
  );
}

const WHOLE = { k: 1, x: 0, y: 0 };
/** How much of the frame the covered land takes at first. */
const SHARE = 0.5;

/** The view that has all of these points in its middle. */
function viewOf(points: readonly (readonly [number, number])[]): typeof WHOLE {
  if (points.length === 0) return WHOLE;
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const fitting = Math.min(WIDTH / Math.max(1, right - left), HEIGHT / Math.max(1, bottom - top)) * SHARE;
  const k = Math.max(1, Math.min(CLOSEST / 4, fitting));
  return held({ k, x: WIDTH / 2 - ((left + right) / 2) * k, y: HEIGHT / 2 - ((top + bottom) / 2) * k });
}

const rounded = (degrees: number): number => Math.round(degrees * 1e5) / 1e5;

/** The map never leaves its frame. */
const held = ({ k, x, y }: { k: number; x: number; y: number }) => ({
  k,
  x: Math.min(0, Math.max(WIDTH * (1 - k), x)),
  y: Math.min(0, Math.max(HEIGHT * (1 - k), y)),
});
