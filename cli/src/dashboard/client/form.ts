import { textsOf } from '../shared/addresses.ts';
import type { InputValue, InputValues, PageInput, Scalar } from '../shared/types.ts';
import { element } from './dom.ts';

/** Wait for this long after a key (milliseconds) before text counts. */
const TYPING_MS = 150;

/** Fills the form with the page's inputs. `changed` is called with the new value of one of them. */
export function fillForm(
  form: HTMLFormElement,
  inputs: readonly PageInput[],
  values: InputValues,
  changed: (name: string, value: InputValue) => void,
): void {
  const parts = inputs.map((input) => partOf(input, values[input.name] ?? null, (value) => changed(input.name, value)));
  const reset = element('a', { href: location.pathname, class: 'reset' }, 'Reset filters');
  form.replaceChildren(...parts, reset);
  form.addEventListener('submit', (event) => event.preventDefault());
}

function partOf(input: PageInput, value: InputValue, changed: (value: InputValue) => void): HTMLElement {
  const id = `input-${input.name}`;
  const help = input.fixed === true ? 'Fixed in this copy: the live dashboard can change it.' : input.help;
  const about = help === undefined ? [] : [element('small', { id: `${id}-help` }, help)];
  if (input.type === 'multi') return multi(input, value, changed, about);
  const label = element('label', { for: id }, input.label);
  const control = input.type === 'select' ? select(input, value, changed) : typed(input, value, changed);
  control.id = id;
  if (about.length > 0) control.setAttribute('aria-describedby', `${id}-help`);
  if (input.fixed === true) control.setAttribute('disabled', '');
  return element('div', { class: 'input' }, label, control, ...about);
}

function select({ options, initial }: PageInput, value: InputValue, changed: (value: InputValue) => void): HTMLElement {
  const control = element('select', {}, ...(initial === null ? [element('option', { value: '' }, 'All')] : []));
  for (const option of options) control.append(element('option', { value: String(option.value) }, option.label));
  control.value = textsOf(value)[0] ?? '';
  control.addEventListener('change', () => {
    changed(options.find((option) => String(option.value) === control.value)?.value ?? null);
  });
  return control;
}

function typed(input: PageInput, value: InputValue, changed: (value: InputValue) => void): HTMLElement {
  const { type, min, max, step, options, name } = input;
  const number = (given: number | undefined): string | undefined => (given === undefined ? undefined : String(given));
  const list = options.length === 0 ? undefined : `input-${name}-options`;
  const control = element('input', {
    type,
    list,
    min: number(min),
    max: number(max),
    step: type === 'number' ? (number(step) ?? 'any') : undefined,
    value: textsOf(value)[0] ?? '',
  });
  let timer: number | undefined;
  control.addEventListener('input', () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => {
      if (!control.checkValidity()) return;
      const text = control.value.trim();
      changed(text === '' ? null : type === 'number' ? Number(text) : text);
    }, TYPING_MS);
  });
  if (list === undefined) return control;
  const datalist = element(
    'datalist',
    { id: list },
    ...options.map((option) => element('option', { value: String(option.value) })),
  );
  control.append(datalist);
  queueMicrotask(() => control.after(datalist));
  return control;
}

function multi(
  { name, label, options, fixed = false }: PageInput,
  value: InputValue,
  changed: (value: InputValue) => void,
  about: readonly HTMLElement[],
): HTMLElement {
  const chosen = new Set<Scalar>(Array.isArray(value) ? value : []);
  const summary = element('summary', {});
  const sayHow = (): void => summary.replaceChildren(`${label}: ${chosen.size} of ${options.length}`);
  sayHow();
  const boxes = options.map((option, i) => {
    const id = `input-${name}-${i}`;
    const box = element('input', { type: 'checkbox', id, checked: chosen.has(option.value), disabled: fixed });
    box.addEventListener('change', () => {
      if (box.checked) chosen.add(option.value);
      else chosen.delete(option.value);
      sayHow();
      changed(options.filter((one) => chosen.has(one.value)).map((one) => one.value));
    });
    return element('div', {}, box, element('label', { for: id }, option.label));
  });
  const group = element('div', { class: 'choices', role: 'group', 'aria-label': label }, ...boxes);
  return element('details', { class: 'input multi' }, summary, group, ...about);
}
