// A contract's value, readable: numbers with their digits grouped, accounts with their mark, structs as tables.

import { count, short } from "../ui/format";
import { Copy, KeyMark } from "../ui/kit";

const ADDRESS = /^[1-9A-HJ-NP-Za-km-z]{46,50}$/;
/** Items of a list that are drawn. */
const ITEMS_SHOWN = 200;

export function ValueView({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <span className="faint">nothing</span>;
  if (typeof value === "boolean") return <strong>{value ? "yes" : "no"}</strong>;
  if (typeof value === "number" || typeof value === "bigint")
    return (
      <span className="number" title={String(value)}>
        {digits(value)}
      </span>
    );
  if (typeof value === "string") return <Text text={value} />;
  if (Array.isArray(value)) return <Items items={value} />;
  if (typeof value === "object") return <Fields fields={Object.entries(value)} />;
  return <>{String(value)}</>;
}

function digits(value: number | bigint): string {
  const text = String(value);
  return text.startsWith("-")
    ? `−${digits(-value)}`
    : typeof value === "number"
      ? count(value)
      : text.replace(/\B(?=(\d{3})+$)/g, "\u00a0");
}

function Text({ text }: { text: string }) {
  if (ADDRESS.test(text))
    return (
      <span className="key">
        <KeyMark of={text} />
        <code title={text}>{short(text)}</code>
        <Copy text={text} what="the address" />
      </span>
    );
  if (/^0x[0-9a-fA-F]*$/.test(text))
    return (
      <span>
        <code className="wrap">{text.length > 80 ? short(text, 20) : text}</code> <Copy text={text} what="the bytes" />
      </span>
    );
  return text === "" ? (
    <span className="faint">empty text</span>
  ) : (
    <span className="wrap" style={{ whiteSpace: "pre-wrap" }}>
      {text}
    </span>
  );
}

function Items({ items }: { items: unknown[] }) {
  if (items.length === 0) return <span className="faint">an empty list</span>;
  return (
    <table className="value-table">
      <tbody>
        {items.slice(0, ITEMS_SHOWN).map((item, place) => (
          <tr key={place}>
            <th scope="row" className="number">
              {place + 1}.
            </th>
            <td>
              <ValueView value={item} />
            </td>
          </tr>
        ))}
        {items.length > ITEMS_SHOWN && (
          <tr>
            <th scope="row" />
            <td className="faint">and {count(items.length - ITEMS_SHOWN)} more</td>
          </tr>
        )}
      </tbody>
    </table>
  );
}

function Fields({ fields }: { fields: [string, unknown][] }) {
  if (fields.length === 0) return <span className="faint">nothing</span>;
  return (
    <table className="value-table">
      <tbody>
        {fields.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>
              <ValueView value={value} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
