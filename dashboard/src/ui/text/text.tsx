import { shown } from '../../text/format';

/** Text from outside: only ever text, in its own direction, with what cannot be seen made visible. */
export default function Text({ children }: { children: string }) {
  return <bdi>{shown(children)}</bdi>;
}
