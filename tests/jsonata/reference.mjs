// Evaluates the expressions on standard input, one per line, with the reference implementation of
// JSONata, and prints a line of JSON for each: its value, or why there is none.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [folder, data] = process.argv.slice(2);
const jsonata = createRequire(folder + "/")("jsonata");
const input = JSON.parse(readFileSync(data, "utf8"));

const holdsFunction = (value) =>
  typeof value === "function" ||
  (value !== null && typeof value === "object" &&
    (value._jsonata_lambda || value._jsonata_function || Object.values(value).some(holdsFunction)));

for (const line of readFileSync(0, "utf8").split("\n").filter((line) => line !== "")) {
  let answer;
  try {
    const value = await jsonata(line).evaluate(undefined, { states: { input } });
    if (value === undefined) answer = { undefined: true };
    else if (holdsFunction(value)) answer = { unsupported: true };
    else answer = { value };
  } catch (error) {
    answer = { error: error.code ?? String(error) };
  }
  console.log(JSON.stringify(answer));
}
