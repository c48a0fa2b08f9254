// What the pages of governance share: stages and measures in words, and forms of votes.

import { approvalOf, next, type Governance, type Measure, type Referendum, type Stage } from "../api/governance";
import { BILLION } from "../api/governance";
import { count, counted, percent, span } from "./format";
import { Badge, Empty, type Tone } from "./kit";

export function NoGovernance() {
  return (
    <div className="card">
      <Empty icon="governance" title="Nobody votes on this network">
        <p>Its runtime has no referenda: whoever holds its superuser’s key decides.</p>
      </Empty>
    </div>
  );
}

const STAGES: Record<Stage["kind"], { tone: Tone; text: string }> = {
  awaitsDeposit: { tone: "warn", text: "awaits its deposit" },
  preparing: { tone: "info", text: "being prepared" },
  queued: { tone: "info", text: "waits for its track" },
  deciding: { tone: "info", text: "being decided" },
  ended: { tone: "quiet", text: "ended" },
};

const ENDED: Record<string, Tone> = { approved: "good", rejected: "bad", killed: "bad" };

export function StageBadge({ stage }: { stage: Stage }) {
  if (stage.kind === "ended") return <Badge tone={ENDED[stage.how] ?? "quiet"}>{stage.how}</Badge>;
  if (stage.kind === "deciding" && stage.passesAt !== null) return <Badge tone="good">passes</Badge>;
  const { tone, text } = STAGES[stage.kind];
  return <Badge tone={tone}>{text}</Badge>;
}

/** A number of blocks, and how long that is. */
export function blocksLong(blocks: number, blockMs: number | null): string {
  const long = blockMs !== null && blocks > 0 ? ` (${span(blocks * blockMs)})` : "";
  return `${counted(Math.max(0, blocks), "block")}${long}`;
}

/** What comes next for a referendum, and when. */
export function timeLeft(referendum: Referendum, view: Governance): string {
  if (referendum.stage.kind === "ended") return `ended at block ${count(referendum.stage.block)}`;
  const track = view.tracks.find((one) => one.id === referendum.ongoing?.track);
  const coming = next(referendum, track, view);
  return coming ? `${blocksLong(coming.block - view.block, view.blockMs)} ${coming.what}` : "";
}

/** Parts in a billion as per cent; what is more than nothing never reads as nothing. */
export function part(billionths: number, places = 2): string {
  if (billionths > 0 && billionths < 10 ** (7 - places)) return `<${10 ** -places} %`;
  return percent(billionths / BILLION, places);
}

/** A share beside what it has to be, as a bar with a mark. */
export function MeasureBar({
  name,
  measure,
  note,
  over,
}: {
  name: string;
  measure: Measure;
  note: string;
  over: boolean;
}) {
  const reached = measure.has >= measure.needs;
  const width = (value: number) => `${Math.min(100, Math.max(0, (value / BILLION) * 100))}%`;
  return (
    <div className="measure">
      <div className="row between">
        <strong>{name}</strong>
        <Badge tone={reached ? "good" : "warn"}>
          {over ? (reached ? "was enough" : "was not enough") : reached ? "enough now" : "not enough yet"}
        </Badge>
      </div>
      <div className={reached ? "track reached" : "track"}>
        <span className="fill" style={{ width: width(measure.has) }} />
        <span className="end" style={{ left: width(measure.atEnd) }} />
        <span className="mark" style={{ left: width(measure.needs) }} />
      </div>
      <p className="small quiet">
        <span className="number">{part(measure.has)}</span> {note};{" "}
        {over ? (
          <>
            it took <span className="number">{part(measure.needs)}</span>
          </>
        ) : (
          <>
            it takes <span className="number">{part(measure.needs)}</span> now,{" "}
            <span className="number">{part(measure.atEnd)}</span> at the end
          </>
        )}
      </p>
    </div>
  );
}

export function ayesOf(referendum: Referendum): string {
  const tally = referendum.ongoing?.tally;
  return tally && tally.ayes + tally.nays > 0n ? part(approvalOf(tally), 1) : "–";
}
