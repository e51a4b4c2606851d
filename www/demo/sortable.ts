/** A table whose rows are put in order by a click on a heading. */

import { make } from './dom.ts';

/** One column. Sorted by `value`, largest first if it is a number; shown as `text`, or the value itself. */
export interface Column<T> {
  title: string;
  value(row: T): number | string;
  text?(row: T): string;
  /** Said when one points at a cell. */
  hint?(row: T): string;
  /** 0..1: drawn as a bar behind the text. */
  part?(row: T): number;
}

/** A table over `rows`, which stand in their own order at first. */
export class SortableTable<T> {
  readonly element = make('table', { class: 'sortable' });
  readonly #columns: Column<T>[];
  readonly #body = make('tbody');
  readonly #headings: HTMLTableCellElement[];
  #rows: { row: T; element: HTMLTableRowElement }[] = [];
  #sorted = -1;
  #rising = true;

  constructor(caption: string, columns: Column<T>[]) {
    this.#columns = columns;
    this.#headings = columns.map((column, index) => {
      const button = make('button', { type: 'button' }, column.title);
      button.addEventListener('click', () => this.#sortBy(index));
      return make('th', { scope: 'col' }, button);
    });
    this.element.append(make('caption', {}, caption), make('thead', {}, make('tr', {}, ...this.#headings)), this.#body);
  }

  /** Shows other rows, in the order that was chosen. */
  set rows(rows: T[]) {
    this.#rows = rows.map((row) => ({ row, element: this.#row(row) }));
    this.#columns.forEach((column, index) => {
      const numeric = rows.length > 0 && typeof column.value(rows[0]!) === 'number';
      this.#headings[index]!.classList.toggle('number', numeric);
    });
    this.#show();
  }

  #row(row: T): HTMLTableRowElement {
    const cells = this.#columns.map((column) => {
      const value = column.value(row);
      const cell = make('td', {}, make('span', {}, column.text?.(row) ?? String(value)));
      if (typeof value === 'number') cell.className = 'number';
      const hint = column.hint?.(row);
      if (hint) cell.title = hint;
      if (column.part) {
        cell.classList.add('part');
        cell.style.setProperty('--part', Math.min(1, Math.max(0, column.part(row))).toFixed(3));
      }
      return cell;
    });
    return make('tr', {}, ...cells);
  }

  #sortBy(index: number): void {
    const first = this.#rows[0];
    const numeric = first !== undefined && typeof this.#columns[index]!.value(first.row) === 'number';
    this.#rising = this.#sorted === index ? !this.#rising : !numeric || index === 0;
    this.#sorted = index;
    this.#headings.forEach((heading, i) => {
      if (i === index) heading.setAttribute('aria-sort', this.#rising ? 'ascending' : 'descending');
      else heading.removeAttribute('aria-sort');
    });
    this.#show();
  }

  #show(): void {
    const column = this.#columns[this.#sorted];
    const sign = this.#rising ? 1 : -1;
    const rows = !column ? this.#rows : [...this.#rows].sort((a, b) => {
      const [x, y] = [column.value(a.row), column.value(b.row)];
      return sign * (typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y)));
    });
    this.#body.replaceChildren(...rows.map(({ element }) => element));
  }
}
