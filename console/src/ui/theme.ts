// Dark or light: the system's, until the person chooses.

export type Theme = "light" | "dark";

const CHOSEN = "phat.theme";

export function startingTheme(): Theme {
  const chosen = localStorage.getItem(CHOSEN);
  if (chosen === "light" || chosen === "dark") return chosen;
  return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function applyTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
}

export function chooseTheme(theme: Theme): void {
  localStorage.setItem(CHOSEN, theme);
  applyTheme(theme);
}
