import { useNavigate } from '@tanstack/react-router';
import { Search, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { AREAS, CHANNELS, countOf, type Filter, PROJECTS, STATUSES } from '../../../api/filter';
import { areaName, channelName, projectName, statusName } from '../../../text/words';
import Button from '../../../ui/button/button';
import styles from '../page.module.css';

const SCORES = [
  ['81-100', 'over 80'],
  ['61-80', '61 to 80'],
  ['41-60', '41 to 60'],
  ['0-40', 'up to 40'],
] as const;
const SORTS = [
  ['newest', 'Newest first'],
  ['oldest', 'Oldest first'],
  ['waiting', 'Waiting longest'],
  ['score', 'Highest score'],
] as const;

/** What is filtered by, in words, with the filter without it. */
export function setFilters(filter: Filter): { words: string; without: Filter }[] {
  const without = (key: keyof Filter): Filter => {
    const { [key]: _, ...rest } = filter;
    return rest;
  };
  const status = filter.status ?? [];
  const statuses = status.map((one) => {
    const rest = status.filter((other) => other !== one);
    return {
      words: statusName(one).toLowerCase(),
      without: rest.length > 0 ? { ...filter, status: rest } : without('status'),
    };
  });
  const others: [keyof Filter, string | undefined][] = [
    ['channel', filter.channel && channelName(filter.channel).toLowerCase()],
    ['area', filter.area && areaName(filter.area)],
    ['project', filter.project && projectName(filter.project).toLowerCase()],
    ['score', filter.score && `score ${filter.score.replace('-', ' to ')}`],
    ['needs_call', filter.needs_call && (filter.needs_call === 'yes' ? 'to be called' : 'not to be called')],
    ['from', filter.from && `from ${filter.from}`],
    ['to', filter.to && `to ${filter.to}`],
    ['q', filter.q && `“${filter.q}”`],
  ];
  return [
    ...statuses,
    ...others.flatMap(([key, words]) => (words ? [{ words, without: without(key) }] : [])),
  ];
}

export default function Filters({ tenant, filter }: { tenant: string; filter: Filter }) {
  const navigate = useNavigate();
  const to = (next: Filter, replace = false) =>
    void navigate({ to: '/t/$tenant/leads', params: { tenant }, search: next, replace });
  const pick = <K extends keyof Filter>(key: K, value: string) => {
    const { [key]: _, ...rest } = filter;
    to((value ? { ...rest, [key]: value } : rest) as Filter);
  };
  return (
    <search className={styles.filters} aria-label="Filters">
      <SearchField
        q={filter.q ?? ''}
        onChange={(q) => {
          const { q: _, ...rest } = filter;
          to(q ? { ...rest, q } : rest, true);
        }}
      />
      <Choice
        name="Status"
        value={filter.status?.length === 1 ? (filter.status[0] ?? '') : filter.status ? 'several' : ''}
        options={[
          ...STATUSES.map((status) => [status, statusName(status)] as const),
          ...(filter.status && filter.status.length > 1
            ? [['several', filter.status.map(statusName).join(', ')] as const]
            : []),
        ]}
        onChange={(value) => {
          const { status: _, ...rest } = filter;
          const status = STATUSES.find((one) => one === value);
          to(status ? { ...rest, status: [status] } : rest);
        }}
      />
      <Choice
        name="Score"
        value={filter.score ?? ''}
        options={SCORES}
        onChange={(value) => pick('score', value)}
      />
      <Choice
        name="Channel"
        value={filter.channel ?? ''}
        options={CHANNELS.map((channel) => [channel, channelName(channel)] as const)}
        onChange={(value) => pick('channel', value)}
      />
      <Choice
        name="Project"
        value={filter.project ?? ''}
        options={PROJECTS.map((project) => [project, projectName(project)] as const)}
        onChange={(value) => pick('project', value)}
      />
      <Choice
        name="Area"
        value={filter.area ?? ''}
        options={AREAS.map((area) => [area, areaName(area)] as const)}
        onChange={(value) => pick('area', value)}
      />
      <Choice
        name="Call"
        value={filter.needs_call ?? ''}
        options={[
          ['yes', 'To be called'],
          ['no', 'Nobody to call'],
        ]}
        onChange={(value) => pick('needs_call', value)}
      />
      <Choice
        name="Order"
        isOrder
        value={filter.sort ?? 'newest'}
        options={SORTS}
        onChange={(value) => pick('sort', value === 'newest' ? '' : value)}
      />
      {countOf(filter) > 0 && (
        <Button look="quiet" onClick={() => to(filter.sort ? { sort: filter.sort } : {})}>
          <X size={14} aria-hidden /> Clear
        </Button>
      )}
    </search>
  );
}

function Choice({
  name,
  value,
  options,
  onChange,
  isOrder = false,
}: {
  name: string;
  value: string;
  options: readonly (readonly [string, string])[];
  onChange: (value: string) => void;
  isOrder?: boolean;
}) {
  const isSet = !isOrder && value !== '';
  return (
    <label className={styles.choice} data-set={isSet || undefined}>
      <span className="hidden-but-read">{name}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {!isOrder && <option value="">{name}</option>}
        {options.map(([key, words]) => (
          <option key={key} value={key}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Searches while one types, a moment after the last letter. */
function SearchField({ q, onChange }: { q: string; onChange: (q: string) => void }) {
  const [text, setText] = useState(q);
  const told = useRef(q);
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => {
    if (q !== told.current) {
      told.current = q;
      setText(q);
    }
  }, [q]);
  useEffect(() => {
    const next = text.trim();
    if (next === told.current) return;
    const timer = setTimeout(() => {
      told.current = next;
      latest.current(next);
    }, 250);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label className={styles.search}>
      <Search size={15} aria-hidden />
      <span className="hidden-but-read">Name, number, words that were said</span>
      <input
        type="search"
        data-search
        placeholder="Name, number, words that were said"
        value={text}
        maxLength={200}
        onChange={(event) => setText(event.target.value)}
      />
    </label>
  );
}
