// A form for a value of any type that contracts have.

import type { TypeShape } from "@phat/client";
import { useShared } from "../api/hooks";
import { Icon } from "../ui/icons";
import { Button, Field, TextField } from "../ui/kit";
import { choose, emptyDraft, ITEMS_MAX, wrongText, type Draft } from "./draft";

/** What a type is, in words, for who has not seen it before. */
export function typeWords(shape: TypeShape): string {
  switch (shape.kind) {
    case "bool":
      return "yes or no";
    case "text":
      return "text";
    case "account":
      return "an account’s address";
    case "nothing":
      return "nothing";
    case "integer":
      return shape.bits >= 64
        ? `a whole number${shape.signed ? "" : ", 0 or more"}`
        : `a whole number from ${shape.min} to ${shape.max}`;
    case "bytes":
      return shape.length === undefined
        ? "bytes, written as 0x and hexadecimal digits"
        : `${shape.length} bytes, written as 0x and ${shape.length * 2} hexadecimal digits`;
    case "list":
      return shape.length === undefined
        ? `any number of: ${typeWords(shape.item)}`
        : `${shape.length} times ${typeWords(shape.item)}`;
    case "tuple":
      return `${shape.items.length} values together`;
    case "struct":
      return `${shape.fields.length} fields together`;
    case "enum":
      return "one of several choices";
    case "option":
      return `optional: ${typeWords(shape.inner)}`;
    case "unsupported":
      return shape.reason;
  }
}

interface Props {
  label: string;
  shape: TypeShape;
  draft: Draft;
  onChange: (draft: Draft) => void;
  /** Whether what is wrong is said: not while somebody still types for the first time. */
  checked: boolean;
  hint?: string;
}

export function ValueInput({ label, shape, draft, onChange, checked, hint }: Props) {
  // Of text the type says it all.
  const words = hint ?? (shape.kind === "text" ? "" : typeWords(shape));
  switch (draft.kind) {
    case "nothing":
      return null;
    case "text":
      return (
        <TextInput
          label={label}
          shape={shape}
          text={draft.text}
          onChange={(text) => onChange({ kind: "text", text })}
          checked={checked}
          hint={words}
        />
      );
    case "bool":
      return (
        <label className="check">
          <input
            type="checkbox"
            checked={draft.on}
            onChange={(event) => onChange({ kind: "bool", on: event.target.checked })}
          />
          <span>
            {label} <span className="faint small">{draft.on ? "yes" : "no"}</span>
          </span>
        </label>
      );
    case "maybe":
      return shape.kind !== "option" ? null : (
        <fieldset className="stack" style={{ border: 0, padding: 0, gap: 8 }}>
          <label className="check">
            <input
              type="checkbox"
              checked={draft.inner !== null}
              onChange={(event) =>
                onChange({ kind: "maybe", inner: event.target.checked ? emptyDraft(shape.inner) : null })
              }
            />
            <span>
              Give {label} <span className="faint small">optional</span>
            </span>
          </label>
          {draft.inner !== null && (
            <div className="nested">
              <ValueInput
                label={label}
                shape={shape.inner}
                draft={draft.inner}
                onChange={(inner) => onChange({ kind: "maybe", inner })}
                checked={checked}
              />
            </div>
          )}
        </fieldset>
      );
    case "choice":
      return shape.kind !== "enum" ? null : (
        <div className="stack" style={{ gap: 8 }}>
          <Field label={label} type={shape.name} hint={shape.variants[draft.variant]?.docs || words}>
            {({ id, describedBy }) => (
              <select
                id={id}
                className="input"
                aria-describedby={describedBy}
                value={draft.variant}
                onChange={(event) => onChange(choose(shape, Number(event.target.value)))}
              >
                {shape.variants.map((variant, place) => (
                  <option key={variant.name} value={place}>
                    {variant.name}
                  </option>
                ))}
              </select>
            )}
          </Field>
          <Parts
            fields={shape.variants[draft.variant]?.fields ?? []}
            drafts={draft.fields}
            onChange={(fields) => onChange({ ...draft, fields })}
            checked={checked}
          />
        </div>
      );
    case "items":
      return shape.kind === "list" ? (
        <ListInput
          label={label}
          shape={shape}
          items={draft.items}
          onChange={(items) => onChange({ kind: "items", items })}
          checked={checked}
          hint={words}
        />
      ) : (
        <fieldset className="stack" style={{ border: 0, padding: 0, gap: 8 }}>
          <legend className="small" style={{ fontWeight: 500, padding: 0 }}>
            {label} <span className="type faint mono">{shape.name}</span>
          </legend>
          <Parts
            fields={
              shape.kind === "struct"
                ? shape.fields
                : shape.kind === "tuple"
                  ? shape.items.map((type) => ({ type, docs: "" }))
                  : []
            }
            drafts={draft.items}
            onChange={(items) => onChange({ kind: "items", items })}
            checked={checked}
          />
        </fieldset>
      );
  }
}

function Parts({
  fields,
  drafts,
  onChange,
  checked,
}: {
  fields: { name?: string; type: TypeShape; docs?: string }[];
  drafts: Draft[];
  onChange: (drafts: Draft[]) => void;
  checked: boolean;
}) {
  if (fields.length === 0) return null;
  return (
    <div className="nested">
      {fields.map((field, place) => (
        <ValueInput
          key={place}
          label={field.name ?? `Value ${place + 1}`}
          shape={field.type}
          draft={drafts[place] ?? emptyDraft(field.type)}
          checked={checked}
          hint={field.docs || undefined}
          onChange={(changed) => onChange(drafts.map((draft, other) => (other === place ? changed : draft)))}
        />
      ))}
    </div>
  );
}

function TextInput({
  label,
  shape,
  text,
  onChange,
  checked,
  hint,
}: {
  label: string;
  shape: TypeShape;
  text: string;
  onChange: (text: string) => void;
  checked: boolean;
  hint: string;
}) {
  const address = useShared((state) => state.signedIn?.account.address ?? null);
  return (
    <div className="stack" style={{ gap: 5 }}>
      <TextField
        label={label}
        type={shape.name}
        hint={hint}
        value={text}
        onChange={onChange}
        mono={shape.kind === "account" || shape.kind === "bytes"}
        inputMode={shape.kind === "integer" ? "numeric" : undefined}
        wrong={checked ? wrongText(shape, text) : null}
      />
      {shape.kind === "account" && address && text !== address && (
        <div>
          <Button kind="plain" size="small" onClick={() => onChange(address)}>
            Use my address for {label}
          </Button>
        </div>
      )}
    </div>
  );
}

function ListInput({
  label,
  shape,
  items,
  onChange,
  checked,
  hint,
}: {
  label: string;
  shape: TypeShape & { kind: "list" };
  items: Draft[];
  onChange: (items: Draft[]) => void;
  checked: boolean;
  hint: string;
}) {
  const fixed = shape.length !== undefined;
  return (
    <fieldset className="stack" style={{ border: 0, padding: 0, gap: 8 }}>
      <legend style={{ fontWeight: 500, fontSize: 14, padding: 0 }}>
        {label} <span className="faint mono small">{shape.name}</span>
      </legend>
      <span className="small quiet">{hint}</span>
      {items.length > 0 && (
        <div className="nested">
          {items.map((item, place) => (
            <div key={place} className="row" style={{ alignItems: "flex-start", flexWrap: "nowrap" }}>
              <div style={{ flex: 1, minWidth: 0 }}>
                <ValueInput
                  label={`${label} ${place + 1}`}
                  shape={shape.item}
                  draft={item}
                  checked={checked}
                  onChange={(changed) => onChange(items.map((other, at) => (at === place ? changed : other)))}
                />
              </div>
              {!fixed && (
                <button
                  type="button"
                  className="icon-button"
                  style={{ marginTop: 32 }}
                  onClick={() => onChange(items.filter((_, at) => at !== place))}
                >
                  <Icon name="cross" />
                  <span className="visually-hidden">
                    Remove {label} {place + 1}
                  </span>
                </button>
              )}
            </div>
          ))}
        </div>
      )}
      {!fixed && items.length < ITEMS_MAX && (
        <div>
          <Button size="small" onClick={() => onChange([...items, emptyDraft(shape.item)])}>
            <Icon name="plus" />
            Add to {label}
          </Button>
        </div>
      )}
    </fieldset>
  );
}
