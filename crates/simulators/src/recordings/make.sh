#!/usr/bin/env bash
# Makes <name>.mp3 and fills in the times of <name>.json from its turns.
#
# Needs espeak-ng, sox, lame and python3. Usage: ./make.sh [name...]   (default: every script here)
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

[ $# -gt 0 ] || set -- $(ls ./*.json | sed 's|^\./||; s|\.json$||')
for name in "$@"; do
    rm -rf "${work:?}"/*
    # One WAV per turn; `voices` and `speed` stand in the script.
    python3 - "$name" "$work" <<'PY'
import json, subprocess, sys
name, work = sys.argv[1:]
script = json.load(open(f"{name}.json"))
for number, turn in enumerate(script["turns"]):
    subprocess.run(
        ["espeak-ng", "-v", script["voices"][turn["speaker"]], "-s", str(script.get("speed", 175)),
         "-w", f"{work}/{number:03}.raw.wav", turn.get("spoken", turn["text"])],
        check=True,
    )
PY
    for raw in "$work"/*.raw.wav; do
        # Trim the silence that the synthesiser leaves, then a pause of 0.35 s between turns.
        sox -V1 "$raw" -r 16000 -c 1 "${raw%.raw.wav}.wav" \
            silence 1 0.01 0.1% reverse silence 1 0.01 0.1% reverse gain -n -3 pad 0 0.35
    done
    sox "$work"/???.wav "$work/all.wav"
    lame --quiet -m m -b 16 --cbr -t --resample 16 "$work/all.wav" "$name.mp3"
    python3 - "$name" "$work" <<'PY'
import json, subprocess, sys
name, work = sys.argv[1:]
script = json.load(open(f"{name}.json"))
clock = 0.0
for number, turn in enumerate(script["turns"]):
    length = float(subprocess.check_output(["soxi", "-D", f"{work}/{number:03}.wav"]))
    turn["start_seconds"] = round(clock, 2)
    turn["end_seconds"] = round(clock + length - 0.35, 2)
    clock += length
script["duration_seconds"] = round(clock, 2)
json.dump(script, open(f"{name}.json", "w"), indent=2, ensure_ascii=False)
open(f"{name}.json", "a").write("\n")
print(f"{name}: {clock:.1f} s, {len(script['turns'])} turns")
PY
done
