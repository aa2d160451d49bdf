// Reads a list of queries from stdin; writes, for each, what Microsoft's analyzer says of it and the columns of its result.
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const library = path.join(__dirname, "node_modules/@kusto/language-service-next");
for (const file of ["bridge.min.js", "Kusto.Language.Bridge.min.js"])
  vm.runInThisContext(fs.readFileSync(path.join(library, file), "utf8"), { filename: file });

const { Kusto, System } = globalThis;
const { Symbols } = Kusto.Language;
const schema = JSON.parse(fs.readFileSync(path.join(__dirname, "tables.json"), "utf8"));
const tables = Object.entries(schema).map(([name, columns]) => Symbols.TableSymbol.From(`(${columns})`).WithName(name));
const list = new (System.Collections.Generic.List$1(Symbols.Symbol).ctor)();
tables.forEach((table) => list.add(table));
const database = new Symbols.DatabaseSymbol.$ctor1("workspace", list);
const globals = Kusto.Language.GlobalState.Default.WithDatabase(database);

const each = (many) => Array.from({ length: many.Count }, (_, index) => many.getItem(index));
const analyze = (query) => {
  const code = Kusto.Language.KustoCode.ParseAndAnalyze(query, globals);
  return {
    diagnostics: each(code.GetDiagnostics()).map((found) => found.Message),
    columns: code.ResultType?.Columns ? each(code.ResultType.Columns).map((column) => column.Name) : [],
  };
};
console.log(JSON.stringify(JSON.parse(fs.readFileSync(0, "utf8")).map(analyze)));
