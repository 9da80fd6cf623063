// Bundles Vega, Vega-Lite and Vega's interpreter of expressions, which needs no eval, into vega.js; gathers their licences.
import { build } from "esbuild";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const versions = ["vega", "vega-lite", "vega-interpreter"].map((name) => `${name} ${dependencies[name]}`).join(", ");
const { metafile } = await build({
  entryPoints: ["entry.js"],
  outfile: "vega.js",
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "vega",
  charset: "ascii",
  legalComments: "none",
  metafile: true,
  banner: { js: `/*! ${versions}: BSD-3-Clause; with d3: ISC. Licences: LICENSES.txt beside this file's source. */` },
});
const roots = new Set(Object.keys(metafile.inputs).map((path) => path.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//)?.[1]).filter(Boolean));
const licences = [...roots].sort().map((root) => {
  const { name, version, license } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
  const file = readdirSync(root).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file && existsSync(`${root}/${file}`) ? readFileSync(`${root}/${file}`, "utf8").trim() : `Licence: ${license}`;
  return `${name} ${version}\n${"-".repeat(60)}\n${text}\n`;
});
writeFileSync("LICENSES.txt", licences.join("\n"));
