// One worker: whether it is well and what to do if not, what it proved, what it earns, where it is.

import { useState } from "react";
import { workerFindings, workerState, type Finding } from "../api/health";
import { useBackend, useLoaded, useSending, useShared } from "../api/hooks";
import { TIER_WORDS } from "../api/places";
import type { Session, SessionSample, Snapshot, Worker } from "../api/model";
import { amount, clock, clusterName, count, country, decimal, span } from "../ui/format";
import {
  Badge,
  Button,
  Card,
  Empty,
  Facts,
  Failure,
  Figure,
  Figures,
  Key,
  Loading,
  Notice,
  Page,
  Term,
  TextField,
  hexKey,
} from "../ui/kit";
import { LinePlot } from "../ui/plot";
import { Fee, SendingState } from "../ui/signing";

/** Pause between two readings of the history. */
const HISTORY_MS = 15_000;

export function WorkerPage({ id }: { id: string }) {
  const snapshot = useShared((state) => state.snapshot);
  const error = useShared((state) => state.snapshotError);
  const crumbs = (
    <>
      <a href="#/workers">Workers</a> / this one
    </>
  );
  if (!snapshot) {
    return (
      <Page title="Worker" crumbs={crumbs}>
        {error !== null ? (
          <Failure error={error} what="The network could not be read" />
        ) : (
          <div className="card">
            <Loading what="the worker" lines={6} />
          </div>
        )}
      </Page>
    );
  }
  const worker = snapshot.workers.find((one) => one.id === id);
  if (!worker) {
    return (
      <Page title="Worker" crumbs={crumbs}>
        <div className="card">
          <Empty icon="worker" title={hexKey(id) ? "No such worker on this network" : "That is no worker’s key"}>
            <p>
              {hexKey(id)
                ? "It may belong to another network, or was removed after its proof expired."
                : "A key is 0x and 64 hexadecimal digits."}{" "}
              <a href="#/workers">See all workers</a>.
            </p>
          </Empty>
        </div>
      </Page>
    );
  }
  return <Known worker={worker} snapshot={snapshot} crumbs={crumbs} />;
}

function Known({ worker, snapshot, crumbs }: { worker: Worker; snapshot: Snapshot; crumbs: React.ReactNode }) {
  const word = useShared((state) => state.words).get(worker.id);
  const { identity } = useBackend();
  const state = workerState(worker, word, snapshot.timeMs);
  const findings = workerFindings(worker, word, snapshot.timeMs, snapshot.block);
  const { says } = word ?? {};
  return (
    <Page
      title={
        <span className="row">
          Worker <Badge tone={state.tone}>{state.text}</Badge>
        </span>
      }
      crumbs={crumbs}
      lead={<Key of={worker.id} what="the worker's key" whole />}
    >
      <Wrong findings={findings} />
      <Figures>
        <Figure
          label={<Term means="How trustworthy its hardware is by its maker’s word: 1 is best, 5 is worst.">Tier</Term>}
          value={worker.tier}
          note={TIER_WORDS[worker.tier]}
        />
        <Figure
          label={
            <Term means="What its processor does, measured by a benchmark: iterations in six seconds.">Score</Term>
          }
          value={worker.score === null ? "–" : count(worker.score)}
          note={worker.score === null ? "not measured yet" : undefined}
        />
        <Figure
          label="Queries a second"
          value={says?.traffic ? decimal(says.traffic.queries / (says.traffic.windowMs / 1_000), 1) : "–"}
          note={says?.traffic ? "in the last ten seconds" : "not published"}
        />
        <Figure
          label="Up to entry"
          value={
            says?.serving
              ? count(says.serving.nextNumber)
              : worker.checkpoint
                ? String(worker.checkpoint.nextNumber)
                : "–"
          }
          note={worker.cluster ? `of ${clusterName(worker.cluster)}` : "in no cluster"}
        />
        <Figure
          label="Ready after"
          value={says?.readyAfterMs == null ? "–" : decimal(says.readyAfterMs / 1000, 1)}
          unit={says?.readyAfterMs == null ? undefined : "s"}
          note="from its start"
        />
        <Figure
          label="Proof ends in"
          value={worker.expiresMs > snapshot.timeMs ? span(worker.expiresMs - snapshot.timeMs) : "ended"}
        />
      </Figures>
      {identity.hasEconomy ? (
        <Earnings worker={worker} snapshot={snapshot} />
      ) : (
        <Card title="Earnings">
          <Notice tone="quiet" title="This network has no pools">
            Its runtime pays workers nothing yet, so there is nothing to earn here.
          </Notice>
        </Card>
      )}
      <div className="grid two">
        <Proved worker={worker} />
        <Whereabouts worker={worker} />
      </div>
    </Page>
  );
}

export function Wrong({ findings }: { findings: Finding[] }) {
  if (findings.length === 0) return <Notice tone="good" title="Nothing is wrong with it" />;
  return (
    <div className="stack">
      {findings.map((finding) => (
        <Notice key={finding.text} tone={finding.tone} title={finding.text}>
          {finding.cure}
        </Notice>
      ))}
    </div>
  );
}

function Proved({ worker }: { worker: Worker }) {
  return (
    <Card title="What it proved" note="The chain judged this from a quote that the hardware signed.">
      <Facts
        rows={[
          [
            "Hardware",
            `${worker.tee === "Tdx" ? "Intel TDX, a whole virtual machine" : worker.tee === "Sgx" ? "Intel SGX, an enclave" : worker.tee}`,
          ],
          [
            "Vouched for by",
            worker.root === "Development" ? <Badge tone="warn">a development key: proves nothing</Badge> : worker.root,
          ],
          ["Program", <Key of={worker.measurement} what="the measurement" whole />],
          [
            "Program allowed",
            worker.measurementAllowed ? <Badge tone="good">yes</Badge> : <Badge tone="bad">no</Badge>,
          ],
          ["Version", worker.version],
          ["Last proof", clock(worker.updatedMs)],
          ["Proof ends", clock(worker.expiresMs)],
        ]}
      />
    </Card>
  );
}

function Whereabouts({ worker }: { worker: Worker }) {
  const { identity } = useBackend();
  return (
    <Card title="Whose it is, and where">
      <Facts
        rows={[
          ["Operator", worker.operator ? <Key of={worker.operator} what="the operator" whole /> : "none named"],
          ["Registered by", <Key of={worker.registrant} what="the registrant" whole />],
          [
            "Role",
            worker.gatekeeper ? "gatekeeper" : worker.cluster ? `worker of ${clusterName(worker.cluster)}` : "free",
          ],
          [
            "Address",
            worker.endpoints.length === 0
              ? "none announced"
              : worker.endpoints.map((url) => (
                  <code key={url} className="wrap">
                    {url}{" "}
                  </code>
                )),
          ],
          [
            "Place",
            worker.place
              ? `${worker.place.city}, ${country(worker.place.country)} (${worker.place.latitude}°, ${worker.place.longitude}°), by its operator’s word`
              : "not declared",
          ],
          ["Pool", worker.pool === null ? "none" : <a href={`#/pools/${worker.pool}`}>Pool {worker.pool}</a>],
        ]}
      />
      {identity.hasPlaces && worker.operator && <DeclarePlace worker={worker} operator={worker.operator} />}
    </Card>
  );
}

/** For the operator alone: where the worker is. Kept to a tenth of a degree, a city and not a house. */
function DeclarePlace({ worker, operator }: { worker: Worker; operator: string }) {
  const signedIn = useShared((state) => state.signedIn);
  const sending = useSending();
  const [form, setForm] = useState({
    country: worker.place?.country ?? "",
    city: worker.place?.city ?? "",
    latitude: worker.place?.latitude.toString() ?? "",
    longitude: worker.place?.longitude.toString() ?? "",
  });
  const [checked, setChecked] = useState(false);
  if (signedIn?.account.address !== operator) return null;
  const degrees = (text: string, most: number) => {
    const value = Number(text);
    return text.trim() !== "" && Number.isFinite(value) && Math.abs(value) <= most ? Math.round(value * 10) : null;
  };
  const [latitude, longitude] = [degrees(form.latitude, 90), degrees(form.longitude, 180)];
  const code = form.country.trim().toUpperCase();
  const cityBytes = new TextEncoder().encode(form.city.trim()).length;
  const wrong = {
    country: /^[A-Z]{2}$/.test(code) ? null : "Two letters, such as CA.",
    city: cityBytes >= 1 && cityBytes <= 64 ? null : "A name of 1 to 64 bytes.",
    latitude: latitude === null ? "A number from −90 to 90." : null,
    longitude: longitude === null ? "A number from −180 to 180." : null,
  };
  const isWrong = Object.values(wrong).some((text) => text !== null);
  const call = isWrong
    ? null
    : {
        pallet: "PhalaRegistry",
        call: "declare_worker_place",
        arguments: {
          worker: worker.id,
          place: {
            country: `0x${[...code].map((letter) => letter.charCodeAt(0).toString(16)).join("")}`,
            city: new TextEncoder().encode(form.city.trim()),
            latitude_decidegrees: latitude,
            longitude_decidegrees: longitude,
          },
        },
      };
  const field = (name: keyof typeof form, label: string, hint?: string) => (
    <TextField
      label={label}
      hint={hint}
      value={form[name]}
      wrong={checked ? wrong[name] : null}
      onChange={(text) => setForm({ ...form, [name]: text })}
    />
  );
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        setChecked(true);
        if (call) void sending.send(call, signedIn.account);
      }}
    >
      <h3>Declare its place</h3>
      <div className="grid two" style={{ gap: 12 }}>
        {field("country", "Country", "Two letters")}
        {field("city", "City")}
        {field("latitude", "Latitude", "Degrees north")}
        {field("longitude", "Longitude", "Degrees east")}
      </div>
      <div className="row">
        <Button kind="primary" type="submit" busy={sending.step !== null}>
          Declare this place
        </Button>
        <Fee call={call} signedIn={signedIn} />
      </div>
      <SendingState sending={sending} success="The place is declared" failure="The place was not declared" />
    </form>
  );
}

const SESSION_WORDS: Record<Session["state"], string> = {
  ready: "Bound to its pool, not started",
  computing: "Computing",
  unresponsive: "Not answering",
  cooling: "Stopped, its stake cools down",
};

function Earnings({ worker, snapshot }: { worker: Worker; snapshot: Snapshot }) {
  const { identity } = useBackend();
  const { session } = worker;
  if (!session) {
    return (
      <Card title="Earnings">
        <Empty icon="pool" title="It is in no pool, so it earns nothing">
          <p>
            Its operator adds it to a pool, whose owner starts it with a stake. <a href="#/pools">See the pools</a>.
          </p>
        </Empty>
      </Card>
    );
  }
  const pha = (value: bigint) => amount(value, identity.decimals, 4);
  const { economy } = snapshot;
  const every =
    economy && economy.challengesPerBlock > 0
      ? (Math.max(1, economy.onlineWorkers) / economy.challengesPerBlock) * economy.slotMs
      : null;
  const coolingEnds =
    session.coolingSinceMs !== null && economy ? session.coolingSinceMs + economy.coolDownSeconds * 1000 : null;
  return (
    <Card
      title="Earnings"
      side={worker.pool !== null ? <a href={`#/pools/${worker.pool}`}>Pool {worker.pool}</a> : undefined}
      note={SESSION_WORDS[session.state]}
    >
      <Figures small>
        <Figure
          label={
            <Term means="V: what its payments are measured by. It grows while the worker serves, and each payment takes off what it paid.">
              Value (V)
            </Term>
          }
          value={decimal(session.v, 2)}
          note={session.ve > 0 ? `began at ${decimal(session.ve, 2)}` : undefined}
        />
        <Figure
          label={
            <Term means="P: what its processor did between the last two heartbeats, iterations in six seconds.">
              Performance (P)
            </Term>
          }
          value={decimal(session.p, 1)}
        />
        <Figure label="At stake" value={pha(session.stake)} unit={identity.symbol} />
        <Figure
          label="Earned so far"
          value={pha(session.earned)}
          unit={identity.symbol}
          note={session.owed > 0n ? `${pha(session.owed)} of it still owed` : undefined}
        />
        <Figure
          label={
            <Term means="A worker is paid when it answers a heartbeat. Who is asked is drawn by lot, so this is an average.">
              Next payout
            </Term>
          }
          value={payout(session, economy?.heartbeatsPaused ?? true, every)}
          note={session.challenge ? "asked for a heartbeat now" : "on average"}
        />
        {session.lost > 0 && <Figure label="Lost to slashes" value={decimal(session.lost, 4)} unit={identity.symbol} />}
        {coolingEnds !== null && (
          <Figure
            label="Stake is free"
            value={coolingEnds > snapshot.timeMs ? `in ${span(coolingEnds - snapshot.timeMs)}` : "now"}
          />
        )}
      </Figures>
      <History session={session.account} />
    </Card>
  );
}

function payout(session: Session, paused: boolean, everyMs: number | null): string {
  if (session.state !== "computing") return "none";
  if (paused) return "paused";
  if (session.challenge) return "with its answer";
  return everyMs === null ? "–" : `within ${span(Math.max(everyMs, 1_000))}`;
}

/** What was earned between one sample and the next, per hour. */
export function incomePerHour(samples: SessionSample[], decimals: number): (number | null)[] {
  return samples.map((sample, place) => {
    const before = samples[place - 1];
    if (!before || sample.timeMs <= before.timeMs) return null;
    const earned = Number(sample.earned - before.earned) / 10 ** decimals;
    return (earned * 3_600_000) / (sample.timeMs - before.timeMs);
  });
}

function History({ session }: { session: string }) {
  const backend = useBackend();
  const { decimals, symbol } = backend.identity;
  const history = useLoaded(`session ${session}`, () => backend.sessionHistory(session), HISTORY_MS);
  if (history.error !== null && !history.value)
    return <Failure error={history.error} what="Its past could not be read" retry={history.reload} />;
  if (!history.value) return <Loading what="its past" lines={4} />;
  const samples = history.value;
  if (samples.length < 2)
    return <p className="small quiet">The node keeps too little of the past for a plot; it fills while you stay.</p>;
  const times = samples.map((sample) => sample.timeMs);
  const plot = (title: string, color: string, values: (number | null)[], unit: string, fromZero: boolean) => (
    <div className="stack" style={{ gap: 6 }}>
      <h3>{title}</h3>
      <LinePlot
        label={title}
        times={times}
        series={[{ name: unit, color, values }]}
        timeLabel={timeLabel}
        fromZero={fromZero}
        height={170}
      />
    </div>
  );
  return (
    <div className="grid two">
      {plot(
        "Earned",
        "var(--chart-1)",
        samples.map((sample) => Number(sample.earned) / 10 ** decimals),
        symbol,
        true,
      )}
      {plot("Income per hour", "var(--chart-2)", incomePerHour(samples, decimals), `${symbol} an hour`, true)}
      {plot(
        "Value (V)",
        "var(--chart-3)",
        samples.map((sample) => sample.v),
        "V",
        false,
      )}
      {plot(
        "Performance (P)",
        "var(--chart-4)",
        samples.map((sample) => sample.p),
        "P",
        false,
      )}
    </div>
  );
}

export function timeLabel(time: number): string {
  return new Intl.DateTimeFormat(undefined, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    month: "short",
    day: "numeric",
  }).format(time);
}
