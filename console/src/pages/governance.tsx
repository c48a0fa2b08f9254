// What holders of PHA decide: referenda, what they are about to change, own votes, and the rules of tracks.

import { useState } from "react";
import type { Account } from "../api/accounts";
import type { ChainCall } from "../api/backend";
import {
  CONVICTIONS,
  CONVICTION_NAMES,
  supportOf,
  trackTitle,
  type Governance,
  type Referendum,
  type Track,
  type TrackVotes,
} from "../api/governance";
import { useBackend, useLoaded, useSending, type Loaded } from "../api/hooks";
import { amount, count, parseAmount } from "../ui/format";
import {
  Button,
  Card,
  Empty,
  Failure,
  Field,
  Figure,
  Figures,
  Key,
  Loading,
  Page,
  Segmented,
  Table,
  Term,
  TextField,
} from "../ui/kit";
import { Fee, NeedsAccount, SendingState } from "../ui/signing";
import { ayesOf, blocksLong, NoGovernance, part, StageBadge, timeLeft } from "../ui/voting";

const GOVERNANCE_MS = 6_000;

export function GovernancePage() {
  const { identity } = useBackend();
  return (
    <Page
      title="Governance"
      lead="Whatever somebody has to decide here, holders of PHA decide by vote. PHA votes wherever it lies: free, staked, or in pools."
      actions={
        identity.hasGovernance && (
          <a className="button" href="#/treasury">
            Treasury
          </a>
        )
      }
    >
      {identity.hasGovernance ? <Whole /> : <NoGovernance />}
    </Page>
  );
}

function Whole() {
  const backend = useBackend();
  const governance = useLoaded("governance", () => backend.governance(), GOVERNANCE_MS);
  if (governance.error !== null && !governance.value)
    return <Failure error={governance.error} what="Referenda could not be read" retry={governance.reload} />;
  if (!governance.value)
    return (
      <div className="card">
        <Loading what="referenda" lines={6} />
      </div>
    );
  const view = governance.value;
  const open = view.referenda.filter((one) => one.stage.kind !== "ended");
  const passing = open.filter((one) => one.stage.kind === "deciding" && one.stage.passesAt !== null);
  const { symbol, decimals } = backend.identity;
  return (
    <>
      <Figures>
        <Figure
          label="Going on"
          value={count(open.length)}
          note={`${count(open.filter((one) => one.stage.kind === "deciding").length)} being decided`}
        />
        <Figure label="Passing now" value={count(passing.length)} note="if their votes hold" />
        <Figure
          label={
            <Term means="Changes that let more workers in were voted, and wait so that everybody can look at them and leave.">
              Trust that waits
            </Term>
          }
          value={count(view.pendingTrust.length)}
          note={
            view.trustNotice === 0
              ? "no notice on this network"
              : `notice of ${blocksLong(view.trustNotice, view.blockMs)}`
          }
        />
        <Figure label="All that may vote" value={amount(view.issuance, decimals, 0)} unit={symbol} />
      </Figures>
      <Waiting view={view} />
      <Referenda view={view} />
      <Card title="Your votes" note="What votes is locked, wherever it lies, and never spent.">
        <NeedsAccount what="vote, or to see your votes">
          {(signedIn) => <Yours key={signedIn.account.address} view={view} account={signedIn.account} />}
        </NeedsAccount>
      </Card>
      <Tracks view={view} />
    </>
  );
}

function Waiting({ view }: { view: Governance }) {
  if (view.pendingTrust.length === 0) return null;
  return (
    <Card
      title="Announced, and not yet in force"
      note="What lets more in counts only after its notice. Until then a vote or the technical committee can take it back, and who does not agree leaves."
      flush
    >
      <ul className="list">
        {view.pendingTrust.map((change) => (
          <li key={`${change.countsFrom} ${change.text}`} style={{ flexWrap: "wrap" }}>
            <span>{change.text.charAt(0).toUpperCase() + change.text.slice(1)}</span>
            <span className="quiet">
              from block <span className="number">{count(change.countsFrom)}</span>, in{" "}
              {blocksLong(change.countsFrom - view.block, view.blockMs)}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

type Which = "open" | "ended";

function Referenda({ view }: { view: Governance }) {
  const [which, setWhich] = useState<Which>("open");
  const rows = view.referenda.filter((one) => (one.stage.kind === "ended") === (which === "ended"));
  const track = (one: Referendum) => view.tracks.find((track) => track.id === one.ongoing?.track);
  return (
    <Card
      title="Referenda"
      side={
        <Segmented<Which>
          label="Which referenda"
          value={which}
          onChange={setWhich}
          choices={[
            { value: "open", text: "Going on" },
            { value: "ended", text: "Ended" },
          ]}
        />
      }
      flush
    >
      {rows.length === 0 ? (
        <Empty icon="governance" title={which === "open" ? "No referendum goes on" : "None has ended yet"}>
          <p>
            Proposals are made with <code>phat vote propose</code>.
          </p>
        </Empty>
      ) : (
        <Table<Referendum>
          caption="Referenda"
          rows={rows}
          keyOf={(one) => one.index}
          columns={[
            {
              label: "Proposal",
              name: "Proposal",
              cell: (one) => (
                <a href={`#/referenda/${one.index}`}>
                  {one.index}
                  {one.ongoing && `: ${title(one)}`}
                </a>
              ),
            },
            { label: "Track", name: "Track", cell: (one) => (track(one) ? trackTitle(track(one)!.name) : "–") },
            { label: "State", name: "State", cell: (one) => <StageBadge stage={one.stage} /> },
            { label: "Time", name: "Time", cell: (one) => <span className="small">{timeLeft(one, view)}</span> },
            {
              label: <Term means="Ayes among votes, weighted by conviction.">Approval</Term>,
              name: "Approval",
              end: true,
              cell: ayesOf,
            },
            {
              label: <Term means="PHA that says aye, of all PHA, not weighted.">Support</Term>,
              name: "Support",
              end: true,
              cell: (one) => (one.ongoing ? part(supportOf(one.ongoing.tally, view.issuance)) : "–"),
            },
          ]}
        />
      )}
    </Card>
  );
}

/** What a referendum is called in lists: its call. */
export function title(one: Referendum): string {
  const call = one.ongoing?.proposal.call;
  if (!call) return "a call known by its hash";
  return `${call.pallet}.${call.call}`;
}

const YOURS_MS = 6_000;

function Yours({ view, account }: { view: Governance; account: Account }) {
  const backend = useBackend();
  const { symbol, decimals } = backend.identity;
  const votes = useLoaded(`votes ${account.address}`, () => backend.votesOf(account.address), YOURS_MS);
  const trackOf = (id: number) => view.tracks.find((track) => track.id === id);
  return (
    <div className="stack">
      {votes.error !== null && !votes.value ? (
        <Failure error={votes.error} what="Your votes could not be read" retry={votes.reload} />
      ) : !votes.value ? (
        <Loading what="your votes" lines={2} />
      ) : votes.value.length === 0 ? (
        <p className="quiet">You have no vote and no delegation.</p>
      ) : (
        votes.value.map((one) => (
          <OnTrack
            key={one.track}
            own={one}
            track={trackOf(one.track)}
            view={view}
            account={account}
            onDone={votes.reload}
          />
        ))
      )}
      <Delegate view={view} account={account} votes={votes} symbol={symbol} decimals={decimals} />
    </div>
  );
}

function OnTrack({
  own,
  track,
  view,
  account,
  onDone,
}: {
  own: TrackVotes;
  track: Track | undefined;
  view: Governance;
  account: Account;
  onDone: () => void;
}) {
  const { symbol, decimals } = useBackend().identity;
  const sending = useSending();
  const pha = (value: bigint) => `${amount(value, decimals, 4)} ${symbol}`;
  const send = (call: string, rest: Record<string, unknown>) =>
    void sending
      .send({ pallet: "ConvictionVoting", call, arguments: { class: own.track, ...rest } }, account)
      .then((sent) => sent && onDone());
  const name = track ? trackTitle(track.name) : `Track ${own.track}`;
  return (
    <section className="stack" aria-label={name}>
      <div className="row between">
        <h3>{name}</h3>
        <span className="small quiet">{pha(own.locked)} locked</span>
      </div>
      {own.delegating && (
        <div className="row between">
          <span>
            {pha(own.delegating.balance)} vote through <Key of={own.delegating.to} what="whom you delegate to" />
          </span>
          <Button size="small" onClick={() => send("undelegate", {})} disabled={sending.step !== null}>
            Take the delegation back
          </Button>
        </div>
      )}
      {own.votes.map(({ referendum, vote }) => (
        <div className="row between" key={referendum}>
          <span>
            <a href={`#/referenda/${referendum}`}>Referendum {referendum}</a>:{" "}
            {vote.aye > 0n && `${pha(vote.aye)} for `}
            {vote.nay > 0n && `${pha(vote.nay)} against `}
            {vote.abstain > 0n && `${pha(vote.abstain)} abstain`}
          </span>
          <Button
            size="small"
            onClick={() => send("remove_vote", { index: referendum })}
            disabled={sending.step !== null}
          >
            Take the vote on {referendum} back
          </Button>
        </div>
      ))}
      {own.prior && (
        <p className="small quiet">
          {pha(own.prior.amount)} stay until block {count(own.prior.until)}, for{" "}
          {blocksLong(own.prior.until - view.block, view.blockMs)} more.
        </p>
      )}
      {own.locked > 0n && !own.delegating && own.votes.length === 0 && (
        <div className="row">
          <Button
            size="small"
            onClick={() => send("unlock", { target: { type: "Id", value: account.address } })}
            disabled={sending.step !== null}
          >
            Unlock what is free
          </Button>
        </div>
      )}
      <SendingState sending={sending} success="Done" failure="Nothing was changed" />
    </section>
  );
}

const ADDRESS = /^[1-9A-HJ-NP-Za-km-z]{46,50}$/;

function Delegate({
  view,
  account,
  votes,
  symbol,
  decimals,
}: {
  view: Governance;
  account: Account;
  votes: Loaded<TrackVotes[]>;
  symbol: string;
  decimals: number;
}) {
  const sending = useSending();
  const [trackId, setTrackId] = useState(view.tracks[0]?.id ?? 0);
  const [to, setTo] = useState("");
  const [text, setText] = useState("");
  const [conviction, setConviction] = useState(1);
  const [checked, setChecked] = useState(false);
  const own = votes.value?.find((one) => one.track === trackId);
  const parsed = parseAmount(text, decimals);
  const wrongTo = !ADDRESS.test(to) ? "Paste an address." : to === account.address ? "That is you." : null;
  const wrongAmount = typeof parsed !== "bigint" ? parsed.wrong : parsed === 0n ? "Type more than 0." : null;
  const blocked = own?.delegating
    ? "You delegate on this track already; take that back first."
    : (own?.votes.length ?? 0) > 0
      ? "You vote on this track yourself; take your votes back first."
      : null;
  const call: ChainCall | null =
    wrongTo === null && typeof parsed === "bigint" && wrongAmount === null && blocked === null
      ? {
          pallet: "ConvictionVoting",
          call: "delegate",
          arguments: {
            class: trackId,
            to: { type: "Id", value: to },
            conviction: { type: CONVICTION_NAMES[conviction]!, value: undefined },
            balance: parsed,
          },
        }
      : null;
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        setChecked(true);
        if (call)
          void sending.send(call, account).then((sent) => {
            if (!sent) return;
            setText("");
            setChecked(false);
            votes.reload();
          });
      }}
    >
      <h3>Let somebody vote for you</h3>
      <div className="grid two" style={{ alignItems: "start" }}>
        <Field label="On the track" wrong={checked ? blocked : null}>
          {({ id, describedBy, invalid }) => (
            <select
              id={id}
              className="input"
              aria-describedby={describedBy}
              aria-invalid={invalid}
              value={trackId}
              onChange={(event) => setTrackId(Number(event.target.value))}
            >
              {view.tracks.map((track) => (
                <option key={track.id} value={track.id}>
                  {trackTitle(track.name)}
                </option>
              ))}
            </select>
          )}
        </Field>
        <TextField
          label="Who votes"
          mono
          value={to}
          onChange={(next) => setTo(next.trim())}
          placeholder="address"
          wrong={checked ? wrongTo : null}
        />
        <TextField
          label="With how much of yours"
          value={text}
          onChange={setText}
          unit={symbol}
          inputMode="decimal"
          placeholder="100"
          wrong={checked ? wrongAmount : null}
        />
        <Conviction value={conviction} onChange={setConviction} />
      </div>
      <div className="row">
        <Button type="submit" busy={sending.step !== null}>
          Delegate your vote
        </Button>
        <Fee call={call} signedIn={{ account, wallet: null }} />
      </div>
      <SendingState sending={sending} success="Your vote is delegated" failure="Nothing was delegated" />
    </form>
  );
}

export function Conviction({ value, onChange }: { value: number; onChange: (conviction: number) => void }) {
  return (
    <Field label="Conviction" hint="More weight for who stays bound longer, if their side wins.">
      {({ id, describedBy }) => (
        <select
          id={id}
          className="input"
          aria-describedby={describedBy}
          value={value}
          onChange={(event) => onChange(Number(event.target.value))}
        >
          {CONVICTIONS.map((text, place) => (
            <option key={text} value={place}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function Tracks({ view }: { view: Governance }) {
  const { symbol, decimals } = useBackend().identity;
  const long = (blocks: number) => blocksLong(blocks, view.blockMs);
  const fall = (from: number, to: number) => `${part(from, 1)} → ${part(to, 1)}`;
  return (
    <Card
      title="Tracks"
      note="A proposal is prepared, decided, must hold while it is confirmed, and is made after its notice. What it takes falls over the decision."
      flush
    >
      <Table<Track>
        caption="Tracks"
        rows={view.tracks}
        keyOf={(track) => track.id}
        columns={[
          { label: "Track", name: "Track", cell: (track) => trackTitle(track.name) },
          {
            label: "Deposit",
            name: "Deposit",
            end: true,
            cell: (track) => `${amount(track.decisionDeposit, decimals, 0)} ${symbol}`,
          },
          { label: "Decided within", name: "Decided within", cell: (track) => long(track.decision) },
          { label: "Confirmed", name: "Confirmed", cell: (track) => long(track.confirm) },
          { label: "Notice", name: "Notice", cell: (track) => long(track.notice) },
          {
            label: "Approval",
            name: "Approval",
            end: true,
            cell: (track) => fall(track.approval.from, track.approval.to),
          },
          { label: "Support", name: "Support", end: true, cell: (track) => fall(track.support.from, track.support.to) },
        ]}
      />
    </Card>
  );
}
