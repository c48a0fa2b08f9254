// The frame: it finds the network, keeps the connection, and shows one page.

import { useEffect, useRef, useState } from "react";
import { StoreContext, useShared, useStore } from "./api/hooks";
import { findNetwork, openBackend, type NetworkFile } from "./api/network";
import { Store } from "./api/store";
import { ContractPage } from "./pages/contract";
import { ContractsPage } from "./pages/contracts";
import { DeployPage } from "./pages/deploy";
import { GovernancePage } from "./pages/governance";
import { MapPage } from "./pages/map";
import { ConnectPage, NetworkPage } from "./pages/network";
import { OverviewPage } from "./pages/overview";
import { PoolPage } from "./pages/pool";
import { PoolsPage } from "./pages/pools";
import { ReferendumPage } from "./pages/referendum";
import { TreasuryPage } from "./pages/treasury";
import { UnknownPage } from "./pages/unknown";
import { VerifyPage } from "./pages/verify";
import { WorkerPage } from "./pages/worker";
import { WorkersPage } from "./pages/workers";
import { parseRoute, useHash, type Route } from "./router";
import { AccountButton } from "./ui/account-button";
import { count, short } from "./ui/format";
import { Icon, Mark, type IconName } from "./ui/icons";
import { Notice } from "./ui/kit";
import { applyTheme, chooseTheme, startingTheme } from "./ui/theme";

type Connection =
  { state: "finding" } | { state: "none"; error: unknown; tried: NetworkFile | null } | { state: "open"; store: Store };

export function App() {
  const [connection, setConnection] = useState<Connection>({ state: "finding" });
  useEffect(() => {
    let live = true;
    let store: Store | null = null;
    void (async () => {
      const network = await findNetwork();
      try {
        const backend = await openBackend(network);
        if (!backend) return live && setConnection({ state: "none", error: null, tried: network });
        if (!live) return backend.close();
        store = new Store(backend);
        store.start();
        setConnection({ state: "open", store });
      } catch (error) {
        if (live) setConnection({ state: "none", error, tried: network });
      }
    })();
    return () => {
      live = false;
      store?.close();
    };
  }, []);
  switch (connection.state) {
    case "finding":
      return <Splash />;
    case "none":
      // A receipt is checked without any network.
      return <Unconnected error={connection.error} tried={connection.tried} />;
    case "open":
      return (
        <StoreContext.Provider value={connection.store}>
          <Shell />
        </StoreContext.Provider>
      );
  }
}

function Splash() {
  return (
    <main
      className="page"
      style={{ minHeight: "100vh", placeContent: "center", justifyItems: "center", margin: "0 auto", maxWidth: 420 }}
    >
      <div className="brand" style={{ justifyContent: "center" }}>
        <Mark />
        <b>phat</b>
      </div>
      <p role="status" className="quiet" style={{ textAlign: "center" }}>
        Connecting to the network…
      </p>
    </main>
  );
}

function Unconnected({ error, tried }: { error: unknown; tried: NetworkFile | null }) {
  const route = parseRoute(useHash());
  return (
    <main style={{ maxWidth: 860, margin: "0 auto" }}>
      <div className="page" style={{ paddingBottom: 0 }}>
        <div className="row between">
          <a className="brand" href="#/">
            <Mark />
            <b>phat</b>
          </a>
          <div className="row">
            <a className="button small" href={route.page === "verify" ? "#/" : "#/verify"}>
              {route.page === "verify" ? "Connect to a network" : "Check a receipt without a network"}
            </a>
            <ThemeButton />
          </div>
        </div>
      </div>
      {route.page === "verify" ? <VerifyPage genesis={null} /> : <ConnectPage error={error} tried={tried} />}
    </main>
  );
}

interface Destination {
  href: string;
  name: string;
  /** Where a name has little room. */
  short?: string;
  icon: IconName;
  pages: Route["page"][];
}

const GROUPS: { name: string; destinations: Destination[] }[] = [
  {
    name: "Network",
    destinations: [
      { href: "#/", name: "Overview", icon: "overview", pages: ["overview"] },
      { href: "#/map", name: "Map", icon: "map", pages: ["map"] },
      { href: "#/workers", name: "Workers", icon: "worker", pages: ["workers", "worker"] },
      { href: "#/pools", name: "Pools", icon: "pool", pages: ["pools", "pool"] },
    ],
  },
  {
    name: "Programs",
    destinations: [
      { href: "#/contracts", name: "Contracts", icon: "contract", pages: ["contracts", "contract"] },
      { href: "#/deploy", name: "Deploy", icon: "deploy", pages: ["deploy"] },
    ],
  },
  {
    name: "Decisions",
    destinations: [
      {
        href: "#/governance",
        name: "Governance",
        short: "Votes",
        icon: "governance",
        pages: ["governance", "referendum"],
      },
      { href: "#/treasury", name: "Treasury", icon: "treasury", pages: ["treasury"] },
    ],
  },
  { name: "Proof", destinations: [{ href: "#/verify", name: "Verify", icon: "verify", pages: ["verify"] }] },
];

/** What a phone's bar has room for. */
const ON_PHONES = ["#/", "#/map", "#/workers", "#/pools", "#/contracts", "#/governance", "#/verify"];

function Shell() {
  const store = useStore();
  const { identity } = store.backend;
  const hash = useHash();
  const route = parseRoute(hash);
  const link = useShared((state) => state.link);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    window.scrollTo(0, 0);
    const heading = main.current?.querySelector("h1");
    document.title = `${heading?.textContent ?? "Phat"} · Phat console`;
    // A reader's focus follows to the new page; not at the first one, where nothing was left.
    if (!first.current) heading?.focus({ preventScroll: true });
    first.current = false;
  }, [hash]);
  const current = (destination: Destination) => (destination.pages.includes(route.page) ? "page" : undefined);
  const all = GROUPS.flatMap((group) => group.destinations);
  return (
    <>
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.querySelector("h1")?.focus();
        }}
      >
        Skip to the page
      </a>
      <div className="shell">
        <aside className="rail">
          <a className="brand" href="#/">
            <Mark />
            <b>phat</b>
            <span>console</span>
          </a>
          <nav aria-label="Pages">
            {GROUPS.map((group) => (
              <div className="group" key={group.name}>
                <span>{group.name}</span>
                {group.destinations.map((destination) => (
                  <a key={destination.href} href={destination.href} aria-current={current(destination)}>
                    <Icon name={destination.icon} />
                    {destination.name}
                  </a>
                ))}
              </div>
            ))}
          </nav>
          <div className="where">
            <a href="#/network">
              <strong>{identity.chain}</strong>
            </a>
            <code className="faint" title={identity.genesis}>
              {short(identity.genesis, 5)}
            </code>
            {identity.development && <span>Development: nothing here is confidential</span>}
          </div>
        </aside>
        <div className="main">
          <header className="topbar">
            <a className="brand" href="#/">
              <Mark />
              <b>phat</b>
            </a>
            <Pulse />
            <ThemeButton />
            <AccountButton />
          </header>
          <main id="main" ref={main}>
            {link === "lost" && (
              <div className="page" style={{ paddingBottom: 0 }}>
                <Notice tone="bad" title="The node has gone silent" live>
                  No final block for 20 seconds. What you see may be old. The page goes on by itself once the node
                  answers; or <a href="#/network">choose another node</a>.
                </Notice>
              </div>
            )}
            <PageOf route={route} />
          </main>
        </div>
      </div>
      <nav className="tabs-phone" aria-label="Pages, short">
        {all
          .filter((destination) => ON_PHONES.includes(destination.href))
          .map((destination) => (
            <a key={destination.href} href={destination.href} aria-current={current(destination)}>
              <Icon name={destination.icon} />
              {destination.short ?? destination.name}
            </a>
          ))}
      </nav>
    </>
  );
}

function PageOf({ route }: { route: Route }) {
  const { identity } = useStore().backend;
  switch (route.page) {
    case "overview":
      return <OverviewPage />;
    case "map":
      return <MapPage />;
    case "workers":
      return <WorkersPage />;
    case "worker":
      return <WorkerPage key={route.id} id={route.id} />;
    case "pools":
      return <PoolsPage />;
    case "pool":
      return <PoolPage key={route.id} id={route.id} />;
    case "contracts":
      return <ContractsPage />;
    case "contract":
      return <ContractPage key={route.id} id={route.id} />;
    case "governance":
      return <GovernancePage />;
    case "referendum":
      return <ReferendumPage key={route.id} index={route.id} />;
    case "treasury":
      return <TreasuryPage />;
    case "deploy":
      return <DeployPage />;
    case "verify":
      return <VerifyPage genesis={identity.genesis} />;
    case "network":
      return <NetworkPage />;
    case "unknown":
      return <UnknownPage path={route.path} />;
  }
}

function Pulse() {
  const final = useShared((state) => state.final);
  const link = useShared((state) => state.link);
  return (
    <div className="pulse">
      <span className={`dot live ${link === "connected" ? "good" : "bad"}`} />
      {final ? (
        <span>
          <span className="words">Final block </span>
          <span className="number">{count(final.number)}</span>
        </span>
      ) : (
        <span>Waiting for a block</span>
      )}
    </div>
  );
}

function ThemeButton() {
  const [theme, setTheme] = useState(startingTheme);
  const other = theme === "dark" ? "light" : "dark";
  useEffect(() => applyTheme(theme), [theme]);
  return (
    <button
      type="button"
      className="button plain"
      onClick={() => {
        chooseTheme(other);
        setTheme(other);
      }}
      title={`Use the ${other} colours`}
    >
      <Icon name={other === "dark" ? "moon" : "sun"} />
      <span className="visually-hidden">Use the {other} colours</span>
    </button>
  );
}
