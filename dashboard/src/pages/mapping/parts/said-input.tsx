import type { ComponentProps } from 'react';
import type { Schemas } from '../../../api/client';
import { Input, Select } from '../../../ui/field/field';
import { type Said, said } from '../functions';

/** Words of one's own for a field of a CRM: chosen, where it takes only some. */
export default function SaidInput({
  value,
  field,
  onChange,
  ...props
}: {
  value: Said;
  field: Schemas['ConnectionField'] | undefined;
  onChange: (value: Said) => void;
} & Pick<ComponentProps<'input'>, 'id' | 'aria-label' | 'aria-describedby' | 'aria-invalid'>) {
  const holds = field?.holds ?? '';
  const change = (text: string) => onChange(said(text, holds));
  const options =
    field && field.options.length > 0 ? field.options : holds === 'flag' ? ['true', 'false'] : [];
  if (options.length === 0) {
    return (
      <Input
        {...props}
        value={value.text}
        onChange={change}
        maxLength={1000}
        inputMode={holds === 'number' ? 'decimal' : undefined}
        autoComplete="off"
      />
    );
  }
  const name = (option: string) =>
    holds === 'flag' ? ({ true: 'Yes', false: 'No' }[option] ?? option) : option;
  return (
    <Select {...props} value={value.text} onChange={change}>
      <option value="">Choose…</option>
      {options.map((option) => (
        <option key={option} value={option}>
          {name(option)}
        </option>
      ))}
      {value.text !== '' && !options.includes(value.text) && (
        <option value={value.text}>{value.text}, which it does not have</option>
      )}
    </Select>
  );
}
