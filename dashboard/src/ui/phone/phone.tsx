import { phone } from '../../text/format';

/** A telephone number that can be dialled. */
export default function Phone({ number, className }: { number: string; className?: string }) {
  const isNumber = /^\+?[0-9]{3,15}$/.test(number);
  if (!isNumber) return <bdi>{number}</bdi>;
  return (
    <a href={`tel:${number}`} className={className}>
      {phone(number)}
    </a>
  );
}
