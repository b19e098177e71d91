import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { type FormEvent, useMemo } from 'react';
import { configQuery, type SavedConfig } from '../../api/config-query';
import { toggled } from '../../map/area';
import { stateMapQuery, statesQuery } from '../../map/queries';
import { stateOf } from '../../map/state-map';
import { useNow, useOfficeZone } from '../../shell/office';
import { useRefusal } from '../../shell/role';
import { day, number } from '../../text/format';
import { foldZips } from '../../text/lists';
import Button from '../../ui/button/button';
import SaveBar from '../../ui/config-draft/save-bar';
import { useConfigDraft } from '../../ui/config-draft/use-config-draft';
import FailureNote from '../../ui/failure/failure';
import Field, { Input, Select, TextArea } from '../../ui/field/field';
import layout from '../../ui/layout/layout.module.css';
import { useOfficePage } from '../../ui/office-page/use-office-page';
import PageHead from '../../ui/page-head/page-head';
import Skeleton from '../../ui/skeleton/skeleton';
import styles from './page.module.css';
import AreaMap from './parts/map';
import { placesQuery } from './queries';
import { areaOf, read, readArea, type WrittenShape, write } from './written';

const DAYS = 90;
const FIRST_STATE = 'TX';

/** Where an office works: on a map, and as lists that say the same. */
export default function AreaPage() {
  const { tenant } = useParams({ from: '/t/$tenant/area' });
  const search = useSearch({ from: '/t/$tenant/area' });
  const { office, picker, instead } = useOfficePage({
    tenant,
    wanted: search.office,
    link: (id) => <Link to="/t/$tenant/area" params={{ tenant }} search={{ office: id }} />,
    bones: { rows: 2, height: 300 },
    none: 'An area belongs to an office: add one in the settings first.',
  });
  return (
    <div className={styles.page}>
      <PageHead
        name="Service area"
        lead="Where the company works. A lead from anywhere else is kept as out of area. Nothing set means everywhere."
      />
      {picker}
      {instead || (office && <Whole key={office.office_id} tenant={tenant} office={office.office_id} />)}
    </div>
  );
}

function Whole({ tenant, office }: { tenant: string; office: string }) {
  const saved = useQuery(configQuery(tenant, office));
  if (saved.data) return <AreaForm tenant={tenant} office={office} saved={saved.data} />;
  if (saved.isError) {
    return (
      <FailureNote error={saved.error} what="The area cannot be read." onRetry={() => void saved.refetch()} />
    );
  }
  return <Skeleton rows={2} height={300} />;
}

function AreaForm({ tenant, office, saved }: { tenant: string; office: string; saved: SavedConfig }) {
  const search = useSearch({ from: '/t/$tenant/area' });
  const navigate = useNavigate();
  const refusal = useRefusal('tenant_admin');
  const draft = useConfigDraft({ tenant, office, saved, write, read });
  const { written, setWritten, faultOf } = draft;
  const { area, faults } = readArea(written);
  const states = useQuery(statesQuery);
  const first = areaOf(saved.config);
  const state =
    search.state ??
    (states.data && stateOf(states.data, first.postal_codes)) ??
    first.cities[0]?.state.toUpperCase() ??
    FIRST_STATE;
  const map = useQuery({ ...stateMapQuery(state), enabled: states.data !== undefined });
  const [zone, now] = [useOfficeZone(), useNow()];
  const today = day(now, zone);
  const places = useQuery(placesQuery(tenant, day(Date.parse(today) - DAYS * 86_400_000, 'UTC'), today));
  const leads = useMemo(
    () =>
      new Map(
        (places.data?.items ?? []).flatMap((one) =>
          one.postal_code ? [[one.postal_code, one.came_in]] : [],
        ),
      ),
    [places.data],
  );
  const change = (part: Partial<typeof written>) => setWritten({ ...written, ...part });
  const isReadable = Object.keys(faults).length === 0;
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    if (!refusal && draft.isDirty && isReadable && !draft.saving.isPending)
      draft.saving.mutate(draft.base.version);
  };
  const field = (name: 'zips' | 'towns' | 'latitude' | 'longitude' | 'miles') => ({
    value: written[name],
    onChange: (value: string) => change({ [name]: value }),
    disabled: Boolean(refusal),
  });
  const setShape = (at: number, part: Partial<WrittenShape>) =>
    change({ shapes: written.shapes.map((one, index) => (index === at ? { ...one, ...part } : one)) });
  const outside = [...leads].filter(
    ([zip]) => !area.postal_codes.some((code) => zip.startsWith(code.replace(/x+$/, ''))),
  );
  const elsewhere = outside.reduce((sum, [, count]) => sum + count, 0);
  return (
    <form className={styles.columns} onSubmit={onSubmit}>
      <section className={layout.card} aria-label="Map">
        <Field label="State">
          {(props) => (
            <Select
              {...props}
              value={state}
              onChange={(next) =>
                void navigate({
                  to: '/t/$tenant/area',
                  params: { tenant },
                  search: { ...search, state: next },
                  replace: true,
                  resetScroll: false,
                  ignoreBlocker: true,
                })
              }
            >
              {Object.entries(states.data ?? {}).map(([code, { name }]) => (
                <option key={code} value={code}>
                  {name}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {map.data ? (
          <AreaMap
            key={state}
            state={state}
            map={map.data}
            area={area}
            leads={leads}
            mayChange={!refusal}
            onZip={(zip) => change({ zips: toggled(area.postal_codes, zip, map.data.zips).join(', ') })}
            onCircle={([longitude, latitude]) =>
              change({
                latitude: String(latitude),
                longitude: String(longitude),
                miles: written.miles || '25',
              })
            }
            onShape={(ring) =>
              change({
                shapes: [
                  ...written.shapes,
                  {
                    name: `Area ${written.shapes.length + 1}`,
                    ring: ring.map((point) => point.join(', ')).join('\n'),
                    holes: [],
                  },
                ],
              })
            }
          />
        ) : map.isError || states.isError ? (
          <FailureNote
            error={map.error ?? states.error}
            what="The map cannot be read. The lists work without."
            onRetry={() => void Promise.all([states.refetch(), map.refetch()])}
          />
        ) : (
          <Skeleton rows={1} height={480} />
        )}
      </section>
      <div className={styles.side}>
        <section className={layout.card} aria-labelledby="named">
          <h2 id="named">By name</h2>
          <Field
            label="ZIP codes"
            help={`Whole, or the first digits, as in 786xx; paste a list. ${number(area.postal_codes.length)} in all: ${
              foldZips(area.postal_codes)
                .slice(0, 8)
                .map(({ prefix, count }) => `${prefix}… ${number(count)}`)
                .join(', ') || 'none'
            }.`}
            error={faults.zips ?? faultOf('service_area.postal_codes')}
          >
            {(props) => <TextArea {...props} {...field('zips')} rows={5} />}
          </Field>
          <Field
            label="Towns"
            help="A line for each, with its state: Round Rock, TX. They speak for a lead, never against it."
            error={faults.towns ?? faultOf('service_area.cities')}
          >
            {(props) => <TextArea {...props} {...field('towns')} rows={3} />}
          </Field>
          {area.postal_codes.length > 0 && leads.size > 0 && (
            <p className={layout.faint}>
              Of the last {DAYS} days, {number(elsewhere)} {elsewhere === 1 ? 'lead is' : 'leads are'} from
              ZIP codes that are not named here. <em>Try it</em> says what would become of each.
            </p>
          )}
        </section>
        <section className={layout.card} aria-labelledby="circle">
          <h2 id="circle">Circle</h2>
          <p className={layout.faint}>For leads whose coordinates are known.</p>
          <div className={layout.pair}>
            <Field label="Miles around" error={faults.radius ?? faultOf('service_area.radius')}>
              {(props) => <Input {...props} {...field('miles')} inputMode="decimal" />}
            </Field>
            <Field label="Latitude">
              {(props) => <Input {...props} {...field('latitude')} inputMode="decimal" />}
            </Field>
            <Field label="Longitude">
              {(props) => <Input {...props} {...field('longitude')} inputMode="decimal" />}
            </Field>
          </div>
          {(written.miles || written.latitude || written.longitude) && (
            <div className={layout.buttons}>
              <Button
                look="quiet"
                refusal={refusal}
                onClick={() => change({ miles: '', latitude: '', longitude: '' })}
              >
                Remove the circle
              </Button>
            </div>
          )}
        </section>
        <section className={layout.card} aria-labelledby="shapes">
          <h2 id="shapes">Shapes</h2>
          <p className={layout.faint}>
            For leads whose coordinates are known. Draw one on the map, or write its corners.
          </p>
          {written.shapes.map((shape, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a shape is known by its place in the list.
            <div key={at} className={styles.shape}>
              <Field label={`Name of shape ${at + 1}`}>
                {(props) => (
                  <Input
                    {...props}
                    value={shape.name}
                    onChange={(name) => setShape(at, { name })}
                    maxLength={100}
                    disabled={Boolean(refusal)}
                  />
                )}
              </Field>
              <Field
                label={`Corners of shape ${at + 1}`}
                help="A line for each: longitude, latitude."
                error={faults[`shape ${at}`] ?? faultOf(`service_area.polygons[${at}]`)}
              >
                {(props) => (
                  <TextArea
                    {...props}
                    rows={4}
                    value={shape.ring}
                    onChange={(ring) => setShape(at, { ring })}
                    disabled={Boolean(refusal)}
                  />
                )}
              </Field>
              <div className={layout.buttons}>
                <Button
                  look="quiet"
                  refusal={refusal}
                  onClick={() => change({ shapes: written.shapes.filter((_, index) => index !== at) })}
                >
                  Remove<span className="hidden-but-read"> shape {at + 1}</span>
                </Button>
              </div>
            </div>
          ))}
          <div className={layout.buttons}>
            <Button
              refusal={refusal}
              onClick={() =>
                change({
                  shapes: [
                    ...written.shapes,
                    { name: `Area ${written.shapes.length + 1}`, ring: '', holes: [] },
                  ],
                })
              }
            >
              Add a shape
            </Button>
          </div>
        </section>
        <SaveBar draft={draft} refusal={refusal} isReadable={isReadable} />
      </div>
    </form>
  );
}
