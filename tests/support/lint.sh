# lint.sh - style that tools can judge. Sourced by dev.
# shellcheck shell=bash

most_lines=60       # of a function
most_complexity=15  # cyclomatic, of a function of the product

# Files of the repository that match; new ones too, ignored ones not.
files() {
  git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
    if [[ -e $file ]]; then echo "$file"; fi
  done
}

lint_all() {
  run_part lint lint_checks
  sum_up
}

lint_checks() {
  check "clang-format" lint_format
  check "functions: at most $most_lines lines, complexity at most $most_complexity" lint_functions
  check "shellcheck" lint_shell
  check "yamllint" lint_yaml
  check "scripts parse" lint_scripts
  check "types of the page and its client" lint_types
}

# Versions of clang-format disagree about trifles; .clang-format is written for 14.
lint_format() {
  local version
  version=$(clang-format --version | grep -oE 'version [0-9]+' | grep -oE '[0-9]+')
  if ((version != 14)); then
    echo "clang-format $version is not 14: it would see other styles; not asked"
    return 0
  fi
  local file bad=0
  while read -r file; do
    if ! clang-format --dry-run --Werror "$file" 2>/dev/null; then
      echo "$file: run clang-format -i on it"
      bad=1
    fi
  done < <(files '*.c' '*.h')
  return "$bad"
}

# pmccabe prints: modified complexity, complexity, statements, first line, lines, file(line): name. Tests may branch as they
# must: a checker knows every case.
lint_functions() {
  files '*.c' | xargs pmccabe | awk -F '\t' \
    -v lines="$most_lines" -v complexity="$most_complexity" '
      $5 > lines { print $6 ": " $5 " lines"; bad = 1 }
      $2 > complexity && $6 !~ /^tests/ { print $6 ": complexity " $2; bad = 1 }
      END { exit bad }'
}

lint_shell() {
  local scripts
  mapfile -t scripts < <(files '*.sh' dev .ci/run)
  shellcheck --external-sources "${scripts[@]}" tests/support/valgrind-passerby
}

lint_yaml() {
  local documents
  mapfile -t documents < <(files '*.yml' '*.yaml')
  if ((${#documents[@]} == 0)); then return 0; fi
  yamllint --strict "${documents[@]}"
}

# The JSDoc of src/web, as TypeScript's compiler understands it. A service worker lives in another world than a page.
lint_types() {
  local tsc=tests/e2e/node_modules/.bin/tsc
  npm_install || return 1
  "$tsc" --project tests/support/tsconfig.json || return 1
  if [[ -e src/web/sw.js ]]; then "$tsc" --project tests/support/tsconfig.worker.json; fi
}

lint_scripts() {
  local file bad=0
  while read -r file; do
    node --check "$file" || bad=1
  done < <(files '*.mjs' 'src/web/*.js')
  while read -r file; do
    python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$file" || bad=1
  done < <(files '*.py')
  return "$bad"
}
