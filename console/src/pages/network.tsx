// Which network this page looks at, and choosing another.

import { useState } from "react";
import { useBackend } from "../api/hooks";
import { chooseNode, isNodeUrl, type NetworkFile } from "../api/network";
import { Button, Card, Facts, Failure, Key, Notice, Page, TextField } from "../ui/kit";

function NodeForm({ start }: { start: string }) {
  const [node, setNode] = useState(start);
  const [wrong, setWrong] = useState<string | null>(null);
  const open = (chosen: string | null) => {
    chooseNode(chosen);
    // Everything that was read belongs to the old network.
    window.location.assign(window.location.pathname);
  };
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isNodeUrl(node.trim()))
          return setWrong("A node's address starts with ws:// or wss://, such as ws://127.0.0.1:9944.");
        open(node.trim());
      }}
    >
      <TextField
        label="Address of a node"
        hint="Any node of the network will do. This page reads the chain from it and checks what matters by proof."
        mono
        value={node}
        wrong={wrong}
        onChange={(text) => {
          setNode(text);
          setWrong(null);
        }}
        placeholder="ws://127.0.0.1:9944"
        inputMode="url"
      />
      <div className="row">
        <Button kind="primary" type="submit">
          Connect to this node
        </Button>
        <Button kind="plain" onClick={() => open(null)}>
          Use what the page came with
        </Button>
      </div>
    </form>
  );
}

export function ConnectPage({ error, tried }: { error: unknown; tried: NetworkFile | null }) {
  return (
    <Page
      title="Which network?"
      lead="This console is a page without a server: it reads a network from one of its nodes, and asks workers directly."
    >
      {error !== null && (
        <Failure
          error={error}
          what={tried ? `The node at ${tried.node} could not be used` : "No network could be opened"}
          retry={() => window.location.reload()}
        />
      )}
      <Card title="Connect to a node">
        <NodeForm start={tried?.node ?? ""} />
      </Card>
      <Card title="A network on your machine">
        <p className="quiet">
          Run <code>phat dev</code> in a terminal: it starts a whole network and prints the address of this page,
          already connected to it.
        </p>
      </Card>
    </Page>
  );
}

export function NetworkPage() {
  const { identity } = useBackend();
  return (
    <Page
      title="Network"
      lead="What this page is connected to. Everything it shows comes from this node and from the network's workers."
    >
      <Card title={identity.chain}>
        <Facts
          rows={[
            ["Node", <code className="wrap">{identity.node}</code>],
            ["First block", <Key of={identity.genesis} what="the first block's hash" whole />],
            ["Token", `${identity.symbol}, ${identity.decimals} decimal places`],
            ["Kind", identity.development ? "Development network" : "Public network"],
            ["Workers' earnings and pools", identity.hasEconomy ? "there" : "not on this network"],
            ["Places of workers", identity.hasPlaces ? "there" : "not on this network"],
          ]}
        />
        {identity.development && (
          <Notice tone="warn" title="Nothing on a development network is confidential">
            Its workers simulate their hardware with keys that everybody has. Use it to try things out, with data that
            may be seen.
          </Notice>
        )}
      </Card>
      <Card title="Another network">
        <NodeForm start={identity.node} />
      </Card>
    </Page>
  );
}
