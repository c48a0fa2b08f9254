import { useState } from "react";
import { rememberedFile } from "../api/contract-files";
import { useBackend, useShared } from "../api/hooks";
import type { Contract } from "../api/model";
import { amount, clusterName, count } from "../ui/format";
import { Icon } from "../ui/icons";
import { Badge, Card, Empty, Failure, Key, Loading, Page, Segmented, Table, Term } from "../ui/kit";

const ROWS_MAX = 200;

export function ContractsPage() {
  const snapshot = useShared((state) => state.snapshot);
  const error = useShared((state) => state.snapshotError);
  return (
    <Page
      title="Contracts"
      lead="Programs that run inside protected hardware. What you ask them, what they keep and what they answer is sealed."
      actions={
        <a className="button primary" href="#/deploy">
          <Icon name="deploy" />
          Deploy a program
        </a>
      }
    >
      {error !== null && <Failure error={error} what="The network could not be read" />}
      {snapshot ? (
        <List contracts={snapshot.contracts} />
      ) : (
        error === null && (
          <div className="card">
            <Loading what="contracts" lines={6} />
          </div>
        )
      )}
    </Page>
  );
}

function List({ contracts }: { contracts: Contract[] }) {
  const { symbol, decimals, genesis } = useBackend().identity;
  const address = useShared((state) => state.signedIn?.account.address ?? null);
  const [filter, setFilter] = useState<"all" | "mine">("all");
  const shown = contracts.filter((contract) => filter === "all" || contract.deployer === address);
  return (
    <>
      {address && (
        <div className="row">
          <Segmented
            label="Which contracts"
            value={filter}
            onChange={setFilter}
            choices={[
              { value: "all", text: `All ${count(contracts.length)}` },
              { value: "mine", text: "Mine" },
            ]}
          />
        </div>
      )}
      <Card flush>
        {shown.length === 0 ? (
          <Empty
            icon="contract"
            title={filter === "mine" ? "You have no contract here" : "No contract has been deployed yet"}
          >
            <p>
              Build one with <code>phat build</code>, then <a href="#/deploy">deploy it here</a>.
            </p>
          </Empty>
        ) : (
          <Table<Contract>
            caption="Contracts"
            rows={shown.slice(0, ROWS_MAX)}
            keyOf={(contract) => contract.id}
            columns={[
              {
                label: "Contract",
                name: "Contract",
                cell: (contract) => {
                  const file = rememberedFile(genesis, contract.id);
                  return (
                    <span className="row" style={{ gap: 8 }}>
                      <Key of={contract.id} what="the contract" href={`#/contracts/${contract.id}`} />
                      {file && <Badge tone="info">{file.name}</Badge>}
                    </span>
                  );
                },
              },
              {
                label: "State",
                name: "State",
                cell: (contract) =>
                  contract.ready ? <Badge tone="good">ready</Badge> : <Badge tone="warn">being made</Badge>,
              },
              { label: "Cluster", name: "Cluster", cell: (contract) => clusterName(contract.cluster) },
              {
                label: "Deployed by",
                name: "Deployed by",
                cell: (contract) => <Key of={contract.deployer} what="the deployer" />,
              },
              {
                label: (
                  <Term means="Put behind it for a greater share of its workers’ processors. The money stays its owner’s.">
                    Staked
                  </Term>
                ),
                name: "Staked",
                end: true,
                cell: (contract) => `${amount(contract.stake, decimals, 2)} ${symbol}`,
              },
            ]}
          />
        )}
      </Card>
      {shown.length > ROWS_MAX && (
        <p className="small quiet">{count(shown.length - ROWS_MAX)} more are not drawn; open one by its id.</p>
      )}
    </>
  );
}
