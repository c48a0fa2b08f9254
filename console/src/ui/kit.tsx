// The parts that pages are made of. Each is keyboard-usable and says its state in words, not in colour alone.

import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import type { Hex } from "../api/model";
import { ConsoleError } from "../api/backend";
import { Icon, type IconName } from "./icons";
import { short } from "./format";

export type Tone = "good" | "warn" | "bad" | "info" | "quiet";

export function Page({
  title,
  lead,
  crumbs,
  actions,
  children,
}: {
  title: ReactNode;
  lead?: ReactNode;
  crumbs?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <div className="page">
      <div className="page-head">
        <div>
          {crumbs && (
            <nav className="crumbs" aria-label="Where you are">
              {crumbs}
            </nav>
          )}
          <h1 tabIndex={-1}>{title}</h1>
          {lead && <p>{lead}</p>}
        </div>
        {actions && <div className="row">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

export function Card({
  title,
  note,
  side,
  flush = false,
  children,
}: {
  title?: ReactNode;
  note?: ReactNode;
  side?: ReactNode;
  flush?: boolean;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <section className="card" aria-labelledby={title ? id : undefined}>
      {title && (
        <header>
          <h2 id={id}>{title}</h2>
          {side && <div className="small quiet">{side}</div>}
          {note && <p>{note}</p>}
        </header>
      )}
      <div className={flush ? "flush" : "body"}>{children}</div>
    </section>
  );
}

export function Figures({ small = false, children }: { small?: boolean; children: ReactNode }) {
  return <dl className={small ? "figures small" : "figures"}>{children}</dl>;
}

export function Figure({
  label,
  value,
  unit,
  note,
}: {
  label: ReactNode;
  value: ReactNode;
  unit?: ReactNode;
  note?: ReactNode;
}) {
  return (
    <div className="figure">
      <dt>{label}</dt>
      <dd>
        {value}
        {unit && <small> {unit}</small>}
      </dd>
      {note && <dd>{note}</dd>}
    </div>
  );
}

export function Badge({ tone = "quiet", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`badge ${tone}`}>{children}</span>;
}

const NOTICE_ICONS: Record<Tone, IconName> = {
  good: "check",
  warn: "warn",
  bad: "warn",
  info: "info",
  quiet: "info",
};

export function Notice({
  tone = "info",
  title,
  children,
  live = false,
}: {
  tone?: Tone;
  title?: ReactNode;
  children?: ReactNode;
  live?: boolean;
}) {
  return (
    <div className={`notice ${tone}`} role={live ? (tone === "bad" ? "alert" : "status") : undefined}>
      <Icon name={NOTICE_ICONS[tone]} />
      <div>
        {title && <strong>{title}</strong>}
        {children && <div>{children}</div>}
      </div>
    </div>
  );
}

export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <Icon name={icon} />
      <h3>{title}</h3>
      {children && <div>{children}</div>}
    </div>
  );
}

export function Loading({ what, lines = 4 }: { what: string; lines?: number }) {
  return (
    <div role="status" className="stack" style={{ padding: "14px 18px" }}>
      <span className="visually-hidden">Loading {what}</span>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} className="skeleton" style={{ width: `${92 - ((line * 23) % 45)}%` }} />
      ))}
    </div>
  );
}

export function describeError(error: unknown): { text: string; cure: string | null } {
  if (error instanceof ConsoleError) return { text: error.message, cure: error.cure };
  const text = error instanceof Error ? error.message : String(error);
  return { text: text.charAt(0).toUpperCase() + text.slice(1), cure: null };
}

export function Failure({ error, what, retry }: { error: unknown; what: string; retry?: () => void }) {
  const { text, cure } = describeError(error);
  return (
    <Notice tone="bad" title={what} live>
      <p>{text}</p>
      {cure && <p>{cure}</p>}
      {retry && (
        <div className="row">
          <button type="button" className="button small" onClick={retry}>
            Try again
          </button>
        </div>
      )}
    </Notice>
  );
}

export function Button({
  kind = "normal",
  size,
  busy = false,
  children,
  ...rest
}: {
  kind?: "normal" | "primary" | "plain";
  size?: "small";
  busy?: boolean;
  children: ReactNode;
} & React.ButtonHTMLAttributes<HTMLButtonElement>) {
  const classes = ["button", kind === "normal" ? "" : kind, size ?? ""].filter(Boolean).join(" ");
  return (
    <button type="button" className={classes} aria-busy={busy} {...rest} disabled={rest.disabled || busy}>
      {children}
    </button>
  );
}

/** A word with its meaning: shown on a click or Enter, announced to screen readers. */
export function Term({ children, means }: { children: ReactNode; means: string }) {
  const [at, setAt] = useState<{ left: number; top: number } | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => {
    if (!at) return;
    const close = (event: Event) => {
      if (event instanceof KeyboardEvent && event.key !== "Escape") return;
      if (
        event.target instanceof Node &&
        (box.current?.contains(event.target) || button.current?.contains(event.target)) &&
        !(event instanceof KeyboardEvent)
      )
        return;
      setAt(null);
    };
    const kinds = ["keydown", "pointerdown", "scroll"] as const;
    for (const kind of kinds) document.addEventListener(kind, close, true);
    return () => {
      for (const kind of kinds) document.removeEventListener(kind, close, true);
    };
  }, [at]);
  const toggle = () => {
    const place = button.current?.getBoundingClientRect();
    if (at || !place) return setAt(null);
    setAt({ left: Math.max(8, Math.min(place.left, window.innerWidth - 312)), top: place.bottom + 6 });
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        className="term"
        aria-expanded={at !== null}
        aria-controls={at ? id : undefined}
        onClick={toggle}
      >
        {children}
      </button>
      {at && (
        <div ref={box} id={id} role="status" className="popover" style={at}>
          {means}
        </div>
      )}
    </>
  );
}

export function Copy({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1600);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = () =>
    void navigator.clipboard?.writeText(text).then(
      () => setDone(true),
      () => setDone(false),
    );
  return (
    <button type="button" className="icon-button" onClick={copy} title={`Copy ${what}`}>
      <Icon name={done ? "check" : "copy"} />
      <span className="visually-hidden">{done ? `Copied ${what}` : `Copy ${what}`}</span>
    </button>
  );
}

/** A picture of a key, so that eyes tell two keys apart: a 4 by 4 pattern, mirrored, in a hue of its own. */
export function KeyMark({ of }: { of: string }) {
  let hash = 2166136261;
  for (const letter of of) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619) >>> 0;
  const hue = hash % 360;
  const cells = [];
  for (let row = 0; row < 4; row += 1) {
    for (let column = 0; column < 2; column += 1) {
      if ((hash >> (row * 2 + column + 8)) & 1) {
        cells.push(<rect key={`${row}${column}`} x={column * 4 + 2} y={row * 4 + 2} width="4" height="4" />);
        cells.push(<rect key={`${row}${column}m`} x={14 - column * 4} y={row * 4 + 2} width="4" height="4" />);
      }
    }
  }
  return (
    <svg
      className="mark"
      viewBox="0 0 20 20"
      aria-hidden="true"
      style={{ background: `hsl(${hue} 45% 88%)` }}
      fill={`hsl(${hue} 55% 34%)`}
    >
      {cells}
    </svg>
  );
}

export function Key({
  of,
  what,
  href,
  name,
  whole = false,
}: {
  of: string;
  what: string;
  href?: string;
  name?: ReactNode;
  whole?: boolean;
}) {
  const text = name ?? <code title={of}>{whole ? of : short(of)}</code>;
  return (
    <span className="key">
      <KeyMark of={of} />
      {href ? <a href={href}>{text}</a> : text}
      {whole && <Copy text={of} what={what} />}
    </span>
  );
}

export function Facts({ rows }: { rows: [ReactNode, ReactNode][] }) {
  return (
    <dl className="facts">
      {rows.map(([name, value], place) => (
        <div key={place} style={{ display: "contents" }}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export interface Column<Row> {
  label: ReactNode;
  /** The label in plain text, for the phone's layout. */
  name: string;
  end?: boolean;
  cell: (row: Row) => ReactNode;
}

export function Table<Row>({
  caption,
  columns,
  rows,
  keyOf,
}: {
  caption: string;
  columns: Column<Row>[];
  rows: Row[];
  keyOf: (row: Row) => string | number;
}) {
  return (
    <table className="table">
      <caption className="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.name} scope="col" className={column.end ? "end" : undefined}>
              {column.label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map((column) => (
              <td key={column.name} data-label={column.name} className={column.end ? "end" : undefined}>
                {column.cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Bars({
  rows,
  format,
}: {
  rows: { name: ReactNode; key: string; part: number; note?: ReactNode }[];
  format: (part: number) => string;
}) {
  return (
    <div className="bars">
      {rows.map((row) => (
        <div className="bar" key={row.key}>
          <span>{row.name}</span>
          <span className="number quiet">{row.note ?? format(row.part)}</span>
          <div className="track">
            <span style={{ width: `${Math.max(1, row.part * 100)}%` }} />
          </div>
        </div>
      ))}
    </div>
  );
}

export function Segmented<Choice extends string>({
  label,
  value,
  choices,
  onChange,
}: {
  label: string;
  value: Choice;
  choices: { value: Choice; text: string }[];
  onChange: (value: Choice) => void;
}) {
  return (
    <div className="segmented" role="group" aria-label={label}>
      {choices.map((choice) => (
        <button
          key={choice.value}
          type="button"
          aria-pressed={choice.value === value}
          onClick={() => onChange(choice.value)}
        >
          {choice.text}
        </button>
      ))}
    </div>
  );
}

export function Field({
  label,
  type,
  hint,
  wrong,
  children,
}: {
  label: ReactNode;
  type?: string;
  hint?: ReactNode;
  wrong?: string | null;
  children: (ids: { id: string; describedBy: string | undefined; invalid: boolean }) => ReactNode;
}) {
  const id = useId();
  const described = [hint ? `${id}-hint` : "", wrong ? `${id}-wrong` : ""].filter(Boolean).join(" ") || undefined;
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}
        {type && <span className="type">{type}</span>}
      </label>
      {children({ id, describedBy: described, invalid: Boolean(wrong) })}
      {hint && (
        <span className="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {wrong && (
        <span className="wrong" id={`${id}-wrong`} role="alert">
          {wrong}
        </span>
      )}
    </div>
  );
}

export function TextField({
  label,
  type,
  hint,
  wrong,
  value,
  onChange,
  mono = false,
  unit,
  ...rest
}: {
  label: ReactNode;
  type?: string;
  hint?: ReactNode;
  wrong?: string | null;
  value: string;
  onChange: (value: string) => void;
  mono?: boolean;
  unit?: string;
} & Omit<React.InputHTMLAttributes<HTMLInputElement>, "onChange" | "value" | "type">) {
  return (
    <Field label={label} type={type} hint={hint} wrong={wrong ?? null}>
      {({ id, describedBy, invalid }) => {
        const input = (
          <input
            {...rest}
            id={id}
            className={mono ? "input mono" : "input"}
            value={value}
            aria-describedby={describedBy}
            aria-invalid={invalid}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => onChange(event.target.value)}
          />
        );
        return unit ? (
          <div className="with-unit">
            {input}
            <span>{unit}</span>
          </div>
        ) : (
          input
        );
      }}
    </Field>
  );
}

export function Dialog({
  open,
  title,
  onClose,
  children,
}: {
  open: boolean;
  title: string;
  onClose: () => void;
  children: ReactNode;
}) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = box.current;
    if (open && dialog && !dialog.open) dialog.showModal();
    if (!open && dialog?.open) dialog.close();
  }, [open]);
  return (
    <dialog
      ref={box}
      className="dialog"
      aria-labelledby={id}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === box.current) onClose();
      }}
    >
      {open && (
        <div className="inside">
          <div className="head">
            <h2 id={id}>{title}</h2>
            <button type="button" className="icon-button" onClick={onClose}>
              <Icon name="cross" />
              <span className="visually-hidden">Close</span>
            </button>
          </div>
          {children}
        </div>
      )}
    </dialog>
  );
}

/** A place to drop a file, or to choose one. */
export function FileDrop({
  title,
  note,
  accept,
  onFile,
}: {
  title: string;
  note: string;
  accept: string;
  onFile: (file: File) => void;
}) {
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  return (
    <div
      className={over ? "drop over" : "drop"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        const file = event.dataTransfer.files[0];
        if (file) onFile(file);
      }}
    >
      <Icon name="file" />
      <strong>{title}</strong>
      <span>{note}</span>
      <input
        ref={input}
        id={id}
        type="file"
        accept={accept}
        className="visually-hidden"
        aria-label={title}
        tabIndex={-1}
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (file) onFile(file);
        }}
      />
      <Button onClick={() => input.current?.click()}>Choose a file</Button>
    </div>
  );
}

export function hexKey(value: string): value is Hex {
  return /^0x[0-9a-fA-F]{64}$/.test(value);
}
