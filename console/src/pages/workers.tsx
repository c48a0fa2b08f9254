import { useState } from "react";
import { workerState } from "../api/health";
import { useBackend, useShared } from "../api/hooks";
import type { Worker } from "../api/model";
import { amount, clusterName, count, country, decimal, span } from "../ui/format";
import { Badge, Card, Empty, Failure, Key, Loading, Page, Segmented, Table, Term, type Column } from "../ui/kit";

type Filter = "all" | "serving" | "trouble" | "free";

/** Rows that are drawn; a longer list is searched instead. */
const ROWS_MAX = 200;

export function WorkersPage() {
  const snapshot = useShared((state) => state.snapshot);
  const error = useShared((state) => state.snapshotError);
  return (
    <Page
      title="Workers"
      lead="Machines that proved to the chain which program they run, in hardware that their own operators cannot look into."
    >
      {error !== null && <Failure error={error} what="The network could not be read" />}
      {snapshot ? (
        <List workers={snapshot.workers} nowMs={snapshot.timeMs} />
      ) : (
        error === null && (
          <div className="card">
            <Loading what="workers" lines={6} />
          </div>
        )
      )}
    </Page>
  );
}

function List({ workers, nowMs }: { workers: Worker[]; nowMs: number }) {
  const words = useShared((state) => state.words);
  const { identity } = useBackend();
  const [filter, setFilter] = useState<Filter>("all");
  const [search, setSearch] = useState("");
  const stateOf = (worker: Worker) => workerState(worker, words.get(worker.id), nowMs);
  const wanted = search.trim().toLowerCase();
  const shown = workers.filter((worker) => {
    const { tone, text } = stateOf(worker);
    const fits =
      filter === "all" ||
      (filter === "serving" && text === "Serving") ||
      (filter === "free" && text === "Free") ||
      (filter === "trouble" && (tone === "bad" || tone === "warn"));
    const found =
      wanted === "" ||
      [worker.id, worker.operator, worker.registrant, worker.place?.city].some((text) =>
        text?.toLowerCase().includes(wanted),
      );
    return fits && found;
  });
  const columns: Column<Worker>[] = [
    {
      label: "Worker",
      name: "Worker",
      cell: (worker) => <Key of={worker.id} what="the worker" href={`#/workers/${worker.id}`} />,
    },
    {
      label: "State",
      name: "State",
      cell: (worker) => {
        const { tone, text } = stateOf(worker);
        return <Badge tone={tone}>{text}</Badge>;
      },
    },
    {
      label: (
        <Term means="What its hardware proved: the kind of protection, who vouches for it, and how up to date it is. Tier 1 is best, 5 is worst.">
          Hardware
        </Term>
      ),
      name: "Hardware",
      cell: (worker) =>
        `${worker.tee.toUpperCase()}, tier ${worker.tier}${worker.root === "Development" ? ", simulated" : ""}`,
    },
    {
      label: "Cluster",
      name: "Cluster",
      cell: (worker) => (worker.cluster ? clusterName(worker.cluster) : worker.gatekeeper ? "gatekeeper" : "–"),
    },
    {
      label: "Place",
      name: "Place",
      cell: (worker) =>
        worker.place ? (
          `${worker.place.city}, ${country(worker.place.country)}`
        ) : (
          <span className="faint">not declared</span>
        ),
    },
    {
      label: "Operator",
      name: "Operator",
      cell: (worker) => <Key of={worker.operator ?? worker.registrant} what="the operator" />,
    },
    {
      label: "Proof ends in",
      name: "Proof ends in",
      end: true,
      cell: (worker) => (worker.expiresMs > nowMs ? span(worker.expiresMs - nowMs) : "ended"),
    },
  ];
  if (identity.hasEconomy) {
    columns.splice(
      4,
      0,
      {
        label: (
          <Term means="What its next payments are measured by. It grows while the worker serves and falls with each payment.">
            Value
          </Term>
        ),
        name: "Value",
        end: true,
        cell: (worker) => (worker.session ? decimal(worker.session.v, 1) : "–"),
      },
      {
        label: "Earned",
        name: "Earned",
        end: true,
        cell: (worker) => (worker.session ? amount(worker.session.earned, identity.decimals, 2) : "–"),
      },
    );
  }
  return (
    <>
      <div className="row between">
        <Segmented<Filter>
          label="Which workers"
          value={filter}
          onChange={setFilter}
          choices={[
            { value: "all", text: `All ${count(workers.length)}` },
            { value: "serving", text: "Serving" },
            { value: "trouble", text: "With trouble" },
            { value: "free", text: "Free" },
          ]}
        />
        <input
          className="input"
          style={{ maxWidth: 300 }}
          type="search"
          placeholder="Key, operator or city"
          aria-label="Search workers"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
      </div>
      <Card flush>
        {shown.length === 0 ? (
          <Empty icon="worker" title={workers.length === 0 ? "No worker has joined yet" : "No worker fits"}>
            <p>
              {workers.length === 0
                ? "A machine joins with phat-worker run; see the operators' handbook."
                : "Choose another state, or search for less."}
            </p>
          </Empty>
        ) : (
          <Table caption="Workers" columns={columns} rows={shown.slice(0, ROWS_MAX)} keyOf={(worker) => worker.id} />
        )}
      </Card>
      {shown.length > ROWS_MAX && (
        <p className="small quiet">{count(shown.length - ROWS_MAX)} more fit; search to find one.</p>
      )}
    </>
  );
}
