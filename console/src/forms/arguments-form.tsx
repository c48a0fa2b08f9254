// The arguments of a message or constructor, with a button that hands them on once all of them are right.

import type { Message } from "@phat/client";
import { useState, type ReactNode } from "react";
import { Button } from "../ui/kit";
import { emptyDraft, readDraft } from "./draft";
import { ValueInput } from "./value-input";

export function ArgumentsForm({
  message,
  action,
  busy,
  extra,
  disabled = false,
  primary = true,
  onArguments,
}: {
  message: Message;
  action: string;
  busy: boolean;
  extra?: ReactNode;
  disabled?: boolean;
  primary?: boolean;
  onArguments: (values: unknown[]) => void;
}) {
  const [drafts, setDrafts] = useState(() => message.args.map((argument) => emptyDraft(argument.type)));
  const [checked, setChecked] = useState(false);
  return (
    <form
      className="stack form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        setChecked(true);
        const read = message.args.map((argument, place) => readDraft(argument.type, drafts[place]!));
        if (read.every((value) => value.ok)) onArguments(read.map((value) => value.value));
        else setTimeout(() => document.querySelector<HTMLElement>("[aria-invalid=true]")?.focus());
      }}
    >
      {message.args.map((argument, place) => (
        <ValueInput
          key={argument.name}
          label={argument.name}
          shape={argument.type}
          draft={drafts[place]!}
          checked={checked}
          onChange={(changed) => setDrafts((old) => old.map((draft, other) => (other === place ? changed : draft)))}
        />
      ))}
      {extra}
      <div className="row">
        <Button kind={primary ? "primary" : "normal"} type="submit" busy={busy} disabled={disabled}>
          {action}
        </Button>
      </div>
    </form>
  );
}
