// One referendum: what it would do in words and figures, how it stands, who votes, and voting.

import { useState } from "react";
import type { Account } from "../api/accounts";
import {
  approvalOf,
  effectOf,
  needed,
  standing,
  supportOf,
  trackTitle,
  voteByte,
  weightOf,
  BILLION,
  type Effect,
  type Ongoing,
  type ReferendumDetail,
  type ReferendumVote,
  type Stage,
  type Track,
  type Writing,
} from "../api/governance";
import { useBackend, useLoaded, useSending } from "../api/hooks";
import { sharesWorth } from "../api/pool-math";
import { ValueView } from "../forms/value-view";
import { amount, count, parseAmount, short, span } from "../ui/format";
import {
  Button,
  Card,
  Copy,
  Empty,
  Facts,
  Failure,
  Key,
  Loading,
  Notice,
  Page,
  Segmented,
  Table,
  TextField,
} from "../ui/kit";
import { LinePlot } from "../ui/plot";
import { Fee, NeedsAccount, SendingState } from "../ui/signing";
import { blocksLong, MeasureBar, NoGovernance, StageBadge, timeLeft } from "../ui/voting";
import { Conviction } from "./governance";
import { timeLabel } from "./worker";

const REFERENDUM_MS = 4_000;
const HISTORY_MS = 15_000;

export function ReferendumPage({ index }: { index: number }) {
  const backend = useBackend();
  const detail = useLoaded(
    `referendum ${index}`,
    () => (backend.identity.hasGovernance ? backend.referendum(index) : Promise.resolve(null)),
    REFERENDUM_MS,
  );
  const crumbs = (
    <>
      <a href="#/governance">Governance</a> / {index}
    </>
  );
  const head = `Referendum ${index}`;
  if (!backend.identity.hasGovernance)
    return (
      <Page title={head} crumbs={crumbs}>
        <NoGovernance />
      </Page>
    );
  if (detail.error !== null && !detail.value)
    return (
      <Page title={head} crumbs={crumbs}>
        <Failure error={detail.error} what="The referendum could not be read" retry={detail.reload} />
      </Page>
    );
  if (detail.value === undefined)
    return (
      <Page title={head} crumbs={crumbs}>
        <div className="card">
          <Loading what="the referendum" lines={6} />
        </div>
      </Page>
    );
  if (detail.value === null)
    return (
      <Page title={head} crumbs={crumbs}>
        <div className="card">
          <Empty icon="governance" title="There is no such referendum">
            <p>
              <a href="#/governance">See all referenda</a>.
            </p>
          </Empty>
        </div>
      </Page>
    );
  return <Known detail={detail.value} reload={detail.reload} crumbs={crumbs} />;
}

function useWriting(): Writing {
  const { symbol, decimals } = useBackend().identity;
  return { span, count, short, money: (value) => `${amount(value, decimals)} ${symbol}` };
}

function Known({ detail, reload, crumbs }: { detail: ReferendumDetail; reload: () => void; crumbs: React.ReactNode }) {
  const { view, referendum, votes } = detail;
  const { stage, ongoing } = referendum;
  const track = view.tracks.find((one) => one.id === ongoing?.track);
  return (
    <Page
      title={
        <span className="row">
          Referendum {referendum.index} <StageBadge stage={stage} />
        </span>
      }
      crumbs={crumbs}
      lead={
        <>
          {track && `${trackTitle(track.name)}: `}
          {timeLeft(referendum, view)}
        </>
      }
    >
      {!ongoing ? (
        <Notice tone="quiet" title={`It has ended: ${stage.kind === "ended" ? stage.how : ""}`}>
          The chain keeps no more of it, and this node has dropped the blocks in which it went on.
        </Notice>
      ) : (
        <>
          {stage.kind === "awaitsDeposit" && track && (
            <Deposit index={referendum.index} track={track} onDone={reload} />
          )}
          <div className="grid wide-left">
            <div className="column">
              <What ongoing={ongoing} detail={detail} />
              {track && <Past index={referendum.index} ongoing={ongoing} stage={stage} track={track} detail={detail} />}
            </div>
            <div className="column">
              {track && <Stands ongoing={ongoing} stage={stage} track={track} detail={detail} />}
              {stage.kind !== "ended" && (
                <Card title="Your vote">
                  <NeedsAccount what="vote">
                    {(signedIn) => (
                      <Vote
                        key={signedIn.account.address}
                        detail={detail}
                        ongoing={ongoing}
                        account={signedIn.account}
                        onDone={reload}
                      />
                    )}
                  </NeedsAccount>
                </Card>
              )}
            </div>
          </div>
        </>
      )}
      <Votes votes={votes} />
    </Page>
  );
}

function Deposit({ index, track, onDone }: { index: number; track: Track; onDone: () => void }) {
  const write = useWriting();
  const sending = useSending();
  const call = { pallet: "Referenda", call: "place_decision_deposit", arguments: { index } };
  return (
    <Card
      title="It awaits its deposit"
      note={`Anybody puts ${write.money(track.decisionDeposit)} down to have it decided. They come back when it has ended, unless it is killed.`}
    >
      <NeedsAccount what="put the deposit down">
        {(signedIn) => (
          <div className="stack">
            <div className="row">
              <Button
                busy={sending.step !== null}
                onClick={() => void sending.send(call, signedIn.account).then((sent) => sent && onDone())}
              >
                Put the deposit down
              </Button>
              <Fee call={call} signedIn={signedIn} />
            </div>
            <SendingState sending={sending} success="The deposit is down" failure="The deposit was not taken" />
          </div>
        )}
      </NeedsAccount>
    </Card>
  );
}

function What({ ongoing, detail }: { ongoing: Ongoing; detail: ReferendumDetail }) {
  const write = useWriting();
  const { hash, call } = ongoing.proposal;
  const ended = detail.referendum.stage.kind === "ended";
  // Of one that is over the treasury has paid already, or never will.
  const effect = call && effectOf(call, detail.facts, write, ended ? null : detail.treasury);
  return (
    <Card title={ended ? "What it was about" : "What it would do"}>
      <div className="stack">
        {effect ? (
          <EffectView effect={effect} ended={ended} />
        ) : (
          <Notice tone="warn" title="Nobody can see what it would do">
            The chain has only the hash of its call. Do not vote for what you cannot read.
          </Notice>
        )}
        <Facts
          rows={[
            ["Speaks for", ongoing.speaker],
            ["Proposed by", <Key key="proposer" of={ongoing.proposer} what="the proposer" />],
            ["Since block", count(ongoing.submitted)],
            [
              "Made",
              "after" in ongoing.enactment
                ? "after the track’s notice, once it has passed"
                : `at block ${count(ongoing.enactment.at)}, once it has passed, and not before the track’s notice`,
            ],
            [
              "Hash of the call",
              <span key="hash">
                <code title={hash}>{short(hash)}</code> <Copy text={hash} what="the hash" />
              </span>,
            ],
          ]}
        />
        {call && (
          <details open={effect?.unknown}>
            <summary>
              The call as the chain has it: <code>{`${call.pallet}.${call.call}`}</code>
            </summary>
            <ValueView value={call.arguments} />
          </details>
        )}
      </div>
    </Card>
  );
}

function EffectView({ effect, ended }: { effect: Effect; ended: boolean }) {
  return (
    <div className="effects">
      <p>{effect.text}.</p>
      {effect.rows.length > 0 && (
        <Table
          caption="What changes"
          rows={effect.rows}
          keyOf={(row) => row.what}
          columns={[
            { label: "What", name: "What", cell: (row) => row.what },
            { label: "Now", name: "Now", end: true, cell: (row) => <span className="number">{row.now}</span> },
            {
              label: ended ? "Proposed" : "Would become",
              name: ended ? "Proposed" : "Would become",
              end: true,
              cell: (row) => <strong className="number">{row.then}</strong>,
            },
          ]}
        />
      )}
      {effect.parts.map((part, place) => (
        <div className="effects" key={place}>
          <EffectView effect={part} ended={ended} />
        </div>
      ))}
    </div>
  );
}

function Stands({
  ongoing,
  stage,
  track,
  detail: { view },
}: {
  ongoing: Ongoing;
  stage: Stage;
  track: Track;
  detail: ReferendumDetail;
}) {
  const write = useWriting();
  const over = stage.kind === "ended";
  const now = over ? stage.block : view.block;
  const stands = standing(ongoing, stage, track, view.issuance, now);
  return (
    <Card title={over ? "How it stood at its end" : "How it stands"}>
      <div className="stack">
        <MeasureBar name="Approval" measure={stands.approval} note="of votes say aye" over={over} />
        <MeasureBar name="Support" measure={stands.support} note="of all PHA" over={over} />
        <Facts
          rows={[
            ["For", write.money(ongoing.tally.ayes)],
            ["Against", write.money(ongoing.tally.nays)],
            ["Support", write.money(ongoing.tally.support)],
          ]}
        />
        <p className="small quiet">For and against are weighted by conviction.</p>
        {stage.kind === "deciding" && stage.passesAt === null && (
          <p className="small">
            {stands.passesFrom === null
              ? "As its votes are now, it never passes."
              : stands.passesFrom <= view.block
                ? `It passes now, and must hold for ${blocksLong(track.confirm, view.blockMs)}.`
                : `As its votes are now, it passes from block ${count(stands.passesFrom)} on, in ${blocksLong(stands.passesFrom - view.block, view.blockMs)}.`}
          </p>
        )}
      </div>
    </Card>
  );
}

function Vote({
  detail,
  ongoing,
  account,
  onDone,
}: {
  detail: ReferendumDetail;
  ongoing: Ongoing;
  account: Account;
  onDone: () => void;
}) {
  const backend = useBackend();
  const { symbol, decimals, hasEconomy } = backend.identity;
  const write = useWriting();
  const sending = useSending();
  const [side, setSide] = useState<"aye" | "nay">("aye");
  const [text, setText] = useState("");
  const [conviction, setConviction] = useState(1);
  const [checked, setChecked] = useState(false);
  const power = useLoaded(`voting power ${account.address}`, async () => {
    const money = await backend.money(account.address);
    if (!hasEconomy) return money.free + money.held;
    const [pools, own] = await Promise.all([backend.pools(), backend.delegations(account.address)]);
    const worth = own.map((one) => {
      const pool = pools.find(({ id }) => id === one.pool);
      return pool ? sharesWorth(pool, one.shares) : 0n;
    });
    return worth.reduce((sum, one) => sum + one, money.free + money.held);
  });
  const own = useLoaded(`votes ${account.address}`, () => backend.votesOf(account.address), REFERENDUM_MS);
  const onTrack = own.value?.find((one) => one.track === ongoing.track);
  const mine = onTrack?.votes.find((one) => one.referendum === detail.referendum.index)?.vote;
  const parsed = parseAmount(text, decimals);
  const wrong =
    typeof parsed !== "bigint"
      ? parsed.wrong
      : parsed === 0n
        ? "Type more than 0."
        : power.value !== undefined && parsed > power.value
          ? `You have ${write.money(power.value)} that may vote.`
          : null;
  const call =
    wrong === null && typeof parsed === "bigint"
      ? {
          pallet: "ConvictionVoting",
          call: "vote",
          arguments: {
            poll_index: detail.referendum.index,
            vote: { type: "Standard", value: { vote: voteByte(side === "aye", conviction), balance: parsed } },
          },
        }
      : null;
  const changed = () => {
    own.reload();
    onDone();
  };
  if (onTrack?.delegating)
    return (
      <Notice tone="quiet" title="Somebody votes for you on this track">
        <Key of={onTrack.delegating.to} what="whom you delegate to" /> votes with{" "}
        {write.money(onTrack.delegating.balance)} of yours. Take that back under <a href="#/governance">your votes</a>{" "}
        to vote yourself.
      </Notice>
    );
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
            changed();
          });
      }}
    >
      {mine && (
        <Notice
          tone="info"
          title={`You vote ${mine.aye > 0n ? "for it" : mine.nay > 0n ? "against it" : "neither way"}`}
        >
          With {write.money(mine.aye + mine.nay + mine.abstain)}
          {mine.conviction !== null && `, conviction ${mine.conviction}`}. Another vote replaces it.
          <div className="row">
            <Button
              size="small"
              disabled={sending.step !== null}
              onClick={() =>
                void sending
                  .send(
                    {
                      pallet: "ConvictionVoting",
                      call: "remove_vote",
                      arguments: { class: ongoing.track, index: detail.referendum.index },
                    },
                    account,
                  )
                  .then((sent) => sent && changed())
              }
            >
              Take it back
            </Button>
          </div>
        </Notice>
      )}
      <Segmented
        label="Your side"
        value={side}
        onChange={setSide}
        choices={[
          { value: "aye", text: "For" },
          { value: "nay", text: "Against" },
        ]}
      />
      <TextField
        label="With how much"
        value={text}
        onChange={(next) => {
          setText(next);
          setChecked(false);
        }}
        unit={symbol}
        inputMode="decimal"
        placeholder="100"
        wrong={checked ? wrong : null}
        hint={power.value === undefined ? undefined : `You have ${write.money(power.value)}: free, held, and in pools.`}
      />
      <Conviction value={conviction} onChange={setConviction} />
      {typeof parsed === "bigint" && parsed > 0n && (
        <p className="small quiet">
          It counts as {write.money(weightOf(parsed, conviction))} {side === "aye" ? "for" : "against"}.
        </p>
      )}
      <div className="row">
        <Button kind="primary" type="submit" busy={sending.step !== null}>
          Vote
        </Button>
        <Fee call={call} signedIn={{ account, wallet: null }} />
      </div>
      <SendingState sending={sending} success="It is counted" failure="Nothing was changed" />
    </form>
  );
}

function Past({
  index,
  ongoing,
  stage,
  track,
  detail: { view },
}: {
  index: number;
  ongoing: Ongoing;
  stage: Stage;
  track: Track;
  detail: ReferendumDetail;
}) {
  const backend = useBackend();
  const to = stage.kind === "ended" ? stage.block - 1 : Infinity;
  const history = useLoaded(
    `referendum history ${index} ${stage.kind}`,
    () => backend.referendumHistory(index, ongoing.submitted, to),
    stage.kind === "ended" ? undefined : HISTORY_MS,
  );
  const samples = history.value;
  const percentOf = (billionths: number) => (billionths / BILLION) * 100;
  const needs = (curve: Track["approval"], sample: { block: number; since: number | null }) =>
    percentOf(needed(curve, sample.since === null ? 0 : Math.max(0, sample.block - sample.since), track.decision));
  return (
    <Card title="Over time" note="What says aye, and what it took, in per cent.">
      {history.error !== null && !samples ? (
        <Failure error={history.error} what="Its past could not be read" retry={history.reload} />
      ) : !samples ? (
        <Loading what="its past" />
      ) : samples.length < 2 ? (
        <p className="small quiet">The node keeps too little of the past for a plot.</p>
      ) : (
        <div className="stack">
          <LinePlot
            label="Approval over time, per cent"
            times={samples.map((one) => one.timeMs)}
            timeLabel={timeLabel}
            height={170}
            fromZero
            series={[
              {
                name: "Approval, %",
                color: "var(--chart-1)",
                values: samples.map((one) =>
                  one.tally.ayes + one.tally.nays > 0n ? percentOf(approvalOf(one.tally)) : null,
                ),
              },
              {
                name: "needed",
                color: "var(--chart-2)",
                values: samples.map((one) => needs(track.approval, one)),
              },
            ]}
          />
          <LinePlot
            label="Support over time, per cent"
            times={samples.map((one) => one.timeMs)}
            timeLabel={timeLabel}
            height={170}
            fromZero
            series={[
              {
                name: "Support, %",
                color: "var(--chart-1)",
                values: samples.map((one) => percentOf(supportOf(one.tally, view.issuance))),
              },
              {
                name: "needed",
                color: "var(--chart-2)",
                values: samples.map((one) => needs(track.support, one)),
              },
            ]}
          />
        </div>
      )}
    </Card>
  );
}

function Votes({ votes }: { votes: ReferendumVote[] }) {
  const write = useWriting();
  const side = (vote: ReferendumVote) => (vote.conviction === null ? "split" : vote.aye > 0n ? "for" : "against");
  return (
    <Card
      title="Votes"
      note="Those that the chain has: the largest first. Votes that were taken back are gone from it."
      flush
    >
      {votes.length === 0 ? (
        <Empty icon="governance" title="Nobody’s vote is kept" />
      ) : (
        <Table<ReferendumVote>
          caption="Votes"
          rows={votes}
          keyOf={(vote) => vote.account}
          columns={[
            { label: "Account", name: "Account", cell: (vote) => <Key of={vote.account} what="the account" /> },
            { label: "Side", name: "Side", cell: side },
            {
              label: "With",
              name: "With",
              end: true,
              cell: (vote) => write.money(vote.aye + vote.nay + vote.abstain),
            },
            {
              label: "Conviction",
              name: "Conviction",
              end: true,
              cell: (vote) => (vote.conviction === null ? "–" : vote.conviction),
            },
            {
              label: "For others",
              name: "For others",
              end: true,
              cell: (vote) => (vote.delegated > 0n ? write.money(vote.delegated) : "–"),
            },
          ]}
        />
      )}
    </Card>
  );
}
