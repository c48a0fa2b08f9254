//! A network of machines on one: a namespace each, with a cable to one switch.
//!
//! All of it lies in namespaces of this run, so that it ends with the run and touches nothing else. Packets are
//! lost by the packet filter. They are late by `netem` where the kernel has it, else by a line so narrow that
//! they wait for one another.

use anyhow::{Context, Result, ensure};
use std::{io::Write, net::Ipv4Addr, process::Command, process::Stdio};

/// The switch, and the address of whoever drives the run.
const SWITCH: &str = "switch";
const HOME: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// The packet filter of each machine: whom it cannot reach.
const FILTER: &str = "\
table inet chaos {
    set away { type ipv4_addr; }
    chain input { type filter hook input priority 0; ip saddr @away drop; }
    chain output { type filter hook output priority 0; ip daddr @away drop; }
    chain lost-in { type filter hook input priority 1; }
    chain lost-out { type filter hook output priority 1; }
}
";
/// A line that is late, where the kernel can do that.
const LATE: [&str; 5] = ["netem", "delay", "200ms", "80ms", "25%"];
/// And where it cannot: packets wait for one another, half a second at most.
const NARROW: [&str; 7] = ["tbf", "rate", "256kbit", "burst", "8kb", "latency", "500ms"];

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("{program} cannot be run"))?;
    ensure!(
        output.status.success(),
        "{program} {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

/// The switch.
pub struct Lan {
    netem: bool,
    addresses: Vec<Ipv4Addr>,
}

/// A machine's cable.
#[derive(Clone, Debug)]
pub struct Port {
    /// Its namespace.
    pub namespace: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// The switch's end of the cable.
    cable: String,
}

impl Lan {
    /// A switch in this namespace, which must be of this run alone.
    ///
    /// # Errors
    /// When a program is missing or the kernel refuses.
    pub fn make() -> Result<Self> {
        run("mkdir", &["-p", "/run/netns"])?;
        // Names of namespaces are files there: in memory, and of this run.
        run("mount", &["-t", "tmpfs", "tmpfs", "/run/netns"])?;
        run("ip", &["link", "set", "lo", "up"])?;
        run("ip", &["link", "add", SWITCH, "type", "bridge"])?;
        run(
            "ip",
            &["address", "add", &format!("{HOME}/16"), "dev", SWITCH],
        )?;
        run("ip", &["link", "set", SWITCH, "up"])?;
        let trial = [&["qdisc", "add", "dev", SWITCH, "root"][..], &LATE].concat();
        let netem = run("tc", &trial).is_ok();
        if netem {
            run("tc", &["qdisc", "del", "dev", SWITCH, "root"])?;
        }
        Ok(Self {
            netem,
            addresses: Vec::new(),
        })
    }

    /// How slow lines are slow here.
    pub fn slowness(&self) -> String {
        match self.netem {
            true => LATE.join(" "),
            false => format!("{} (the kernel has no netem)", NARROW.join(" ")),
        }
    }

    /// A machine more.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn add(&mut self) -> Result<Port> {
        let place = self.addresses.len();
        let last = u8::try_from(place + 10).context("the network is full")?;
        let address = Ipv4Addr::new(10, 77, 0, last);
        let port = Port {
            namespace: format!("m{place}"),
            address,
            cable: format!("cable{place}"),
        };
        let (name, cable) = (port.namespace.as_str(), port.cable.as_str());
        run("ip", &["netns", "add", name])?;
        let pair = [
            "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name,
        ];
        run("ip", &pair)?;
        run("ip", &["link", "set", cable, "master", SWITCH, "up"])?;
        run(
            "ip",
            &[
                "-n",
                name,
                "address",
                "add",
                &format!("{address}/16"),
                "dev",
                "eth0",
            ],
        )?;
        run("ip", &["-n", name, "link", "set", "eth0", "up"])?;
        run("ip", &["-n", name, "link", "set", "lo", "up"])?;
        port.filter(FILTER)?;
        self.addresses.push(address);
        Ok(port)
    }

    /// Parts `few` from all others, and from who drives the run.
    ///
    /// # Errors
    /// When the packet filter refuses.
    pub fn part(&self, few: &[&Port]) -> Result<()> {
        let inside: Vec<Ipv4Addr> = few.iter().map(|port| port.address).collect();
        let mut others: Vec<String> = self
            .addresses
            .iter()
            .filter(|address| !inside.contains(address))
            .map(ToString::to_string)
            .collect();
        others.push(HOME.to_string());
        for port in few {
            port.filter(&format!(
                "add element inet chaos away {{ {} }}",
                others.join(", ")
            ))?;
        }
        Ok(())
    }

    /// Makes a machine's line slow, both ways.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn slow(&self, port: &Port) -> Result<()> {
        let how: &[&str] = if self.netem { &LATE } else { &NARROW };
        let root = ["qdisc", "add", "dev"];
        run("tc", &[&root[..], &[&port.cable, "root"], how].concat())?;
        let inside = ["-n", &port.namespace];
        run("tc", &[&inside[..], &root, &["eth0", "root"], how].concat())
    }
}

impl Port {
    fn filter(&self, rules: &str) -> Result<()> {
        let mut nft = Command::new("ip")
            .args(["netns", "exec", &self.namespace, "nft", "-f", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("nft cannot be run")?;
        nft.stdin
            .take()
            .context("nft takes no input")?
            .write_all(rules.as_bytes())?;
        let output = nft.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "nft {rules}: {}", said.trim());
        Ok(())
    }

    /// Ends what [`Lan::part`] did.
    ///
    /// # Errors
    /// When the packet filter refuses.
    pub fn join(&self) -> Result<()> {
        self.filter("flush set inet chaos away")
    }

    /// Pulls the cable, or plugs it in.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn plug(&self, there: bool) -> Result<()> {
        run(
            "ip",
            &[
                "link",
                "set",
                &self.cable,
                if there { "up" } else { "down" },
            ],
        )
    }

    /// Loses so many of a hundred packets, each way; 0 for none.
    ///
    /// # Errors
    /// When the packet filter refuses.
    pub fn lose(&self, percent: u32) -> Result<()> {
        let chains = [("lost-in", "iifname"), ("lost-out", "oifname")];
        let mut rules: Vec<String> = chains
            .iter()
            .map(|(chain, _)| format!("flush chain inet chaos {chain}"))
            .collect();
        if percent > 0 {
            rules.extend(chains.iter().map(|(chain, line)| {
                format!(
                    "add rule inet chaos {chain} {line} != \"lo\" \
                     numgen random mod 100 < {percent} drop"
                )
            }));
        }
        self.filter(&rules.join("\n"))
    }

    /// Ends what [`Lan::slow`] did.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn quick(&self) -> Result<()> {
        run("tc", &["qdisc", "del", "dev", &self.cable, "root"])?;
        run(
            "tc",
            &["-n", &self.namespace, "qdisc", "del", "dev", "eth0", "root"],
        )
    }
}
