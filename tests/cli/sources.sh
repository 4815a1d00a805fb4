#!/bin/bash
# sources.sh HONE: data of every kind through train, eval and predict; what doesn't fit, a line each.
source "$(dirname "$0")/common.sh" "$1"

# ---- CSV: numbers
awk 'BEGIN { print "area,town,rooms,price"; srand(1)
  for (i = 0; i < 600; i++) { a = 50 + int(rand() * 100); r = 1 + i % 5; t = i % 3 == 0 ? "Ulm" : i % 3 == 1 ? "Bonn" : "Kiel"
    print a "," t "," r "," a / 100 + r / 2 + (t == "Ulm") } }' >houses.csv
train=("$hone" train --optim adamw --lr 0.02 --batch 20 --epochs 20 --model mlp:5,16,1)
works "${train[@]}" --data houses.csv --log log --save h.st
says '^houses.csv: 540 training and 60 test samples$'
says 'train MAE .*test MAE .*R2'
tail -n 1 log >last
grep -q '"test_mae": 0\.0[0-9]*,.*"test_r2": 0\.99' last || fail "no good fit: $(cat last)"
row=$(awk '/^ *20  /{ print }' out)
works "$hone" eval --data houses.csv --load h.st
says '^houses.csv: 60 samples  test loss [0-9.e-]+  test MAE 0\.[0-9]+  R2 0\.99'
works "$hone" predict --data houses.csv --load h.st
says '^row,y0$'
[ "$(wc -l <out)" = 601 ] || fail "predict: $(wc -l <out) lines, not 601"
works "$hone" predict --data houses.csv --load h.st --limit 2 --json
says '^\{"row": 0, "numbers": \[[0-9.]+\]\}$'
cut -d, -f1-3 houses.csv >rows.csv # the same rows, without what is to be told
works "$hone" predict --data houses.csv --load h.st
cp out with
works "$hone" predict --data rows.csv --data-options 'target=price, task=numbers' --load h.st
cmp -s out with || fail 'rows without their target are told otherwise'
works "$hone" train --data houses.csv --optim adamw --epochs 1 # a model by default
says '^mlp 5-100-1, '
works "$hone" train --data houses.csv --data-options 'target=rooms, task=classes, drop=price' --optim adamw --epochs 1
says '^mlp 4-100-5, '
refuses 2 '^hone train: houses.csv has no column .prize.; it has area, town, rooms, price$' \
  "$hone" train --data houses.csv --data-options target=prize
refuses 2 'data of kind csv has no argument .colour., but target, drop, ' "$hone" train --data houses.csv --data-options colour=red
refuses 2 'missing=often \(refuse.mean.zero.drop is wanted\)' "$hone" train --data houses.csv --data-options missing=often
refuses 2 'test=2 \(1e-09 to 1 is wanted\)' "$hone" train --data houses.csv --data-options test=2
refuses 2 'label-smoothing: houses.csv has numbers to tell, not classes' "$hone" train --data houses.csv --label-smoothing 0.1
refuses 2 'top-k 2: there are 0 classes' "$hone" train --data houses.csv --top-k 2
refuses 1 'gives 3 numbers but there are 1 to tell' "$hone" train --data houses.csv --model mlp:5,3
refuses 1 'takes 4 numbers but a sample has 5$' "$hone" train --data houses.csv --model mlp:4,1

# ---- CSV: classes, gaps, damage
awk 'BEGIN { print "w;h;kind"; for (i = 0; i < 300; i++) { w = i % 10; print w ";" (i % 7) ";" (w > 4 ? "tall" : "a \"b\"") } }' >kinds.csv
works "$hone" train --data kinds.csv --optim adamw --lr 0.05 --epochs 10 --model mlp:2,8,2 --save k.st
says 'mean|class'
works "$hone" predict --data kinds.csv --load k.st --limit 10
says '^0,"a ""b""",0?\.?[0-9.e-]+,[0-9.e-]+$'
says '^6,tall,'
sed 's/^1;1;/;1;/' kinds.csv >gaps.csv
refuses 1 "gaps.csv: column 'w' has [0-9]+ missing values; missing=mean, zero or drop" "$hone" train --data gaps.csv
for how in mean zero drop; do works "$hone" train --data gaps.csv --data-options missing=$how --epochs 1 --lr 0.01; done
awk '{ print } NR == 150 { print "1;2" }' kinds.csv >cut.csv
refuses 1 'cut.csv: line 151 has 2 fields, but there are 3 names' "$hone" train --data cut.csv
works "$hone" train --data cut.csv --data-options damaged=skip --epochs 1 --lr 0.01
says '270 training and 30 test'
awk 'BEGIN { print "a,b"; for (i = 0; i < 9; i++) print i ",7" }' >constant.csv
refuses 1 "constant.csv: the target 'b' is the same in all 9 rows: there is nothing to learn" "$hone" train --data constant.csv
refuses 1 'constant.csv: its samples have no target' "$hone" train --data constant.csv --data-options target=none

# ---- other rows of a table are taken as those that the model was trained with: by their names, with the same mean,
# deviation, texts and classes, in whatever order and company
works "$hone" predict --data houses.csv --load h.st
cp out all
works "$hone" eval --data houses.csv --data-options test=1 --load h.st
cp out all_eval
{ echo "rooms,note,town,area"; sed -n 7,9p houses.csv | awk -F, '{ print $3 ",x," $2 "," $1 }'; } >three.csv
works "$hone" predict --data three.csv --load h.st
diff <(sed -n 7,9p all | cut -d, -f2-) <(sed -n 2,4p out | cut -d, -f2-) || fail "three rows alone are told another price"
{ head -n 1 houses.csv; sed -n 7,600p houses.csv; } >later.csv
works "$hone" predict --data later.csv --load h.st
diff <(sed -n 7,601p all | cut -d, -f2- | head -n 594) <(sed -n 2,595p out | cut -d, -f2-) || fail "later rows are told another price"
printf 'area,town,rooms\n50,Atlantis,3\n' >unknown.csv # a text that wasn't there is none of those
works "$hone" predict --data unknown.csv --load h.st
printf 'area,rooms\n50,3\n' >less.csv
refuses 2 "less.csv has no column 'town'; it has area, rooms" "$hone" predict --data less.csv --load h.st
printf 'area,town,rooms\nx,Ulm,3\n' >other.csv
refuses 1 "other.csv: column 'area' is of texts, but the model was trained with numbers" "$hone" predict --data other.csv --load h.st
grep -q 'hone.columns: {"inputs": \[{"name": "area", "fill": ' <("$hone" show h.st) || fail "the columns aren't in the file"
printf 'h;w;kind\n1;9;tall\n2;8;tall\n3;7;tall\n' >tall.csv # one class of two
works "$hone" eval --data tall.csv --data-options test=1 --load k.st
says '^tall.csv: 3 samples .*test error 0.0000'
printf 'h;w;kind\n1;9;giant\n2;8;tall\n' >giant.csv
refuses 1 "giant.csv: the target 'kind' has 'giant', which is no class that the model knows" "$hone" eval --data giant.csv --data-options test=1 --load k.st
printf 'h;w\n1;9\n' >untold.csv
works "$hone" predict --data untold.csv --load k.st
says 'tall'

# ---- hone data: what is there
works "$hone" data digits --limit 50 --sheet d.svg
says '^digits: digits, classes, 10 of them$'
says '^train: 50 samples, x u8 \[28, 28\], y i64 \[\]$'
says '  mean [0-9.]+, deviation [0-9.]+, from 0 to 255'
says '  classes: 0: [0-9]+ 1: [0-9]+ '
says '^wrote d.svg$'
grep -q '<image x="140" width="360" height="300" .*data:image/png;base64,' d.svg || fail "d.svg has no picture"
works "$hone" data pictures --limit 20 --sheet p.png
says 'classes: disc [0-9]+ square [0-9]+ '
[ "$(head -c 4 p.png | tail -c 3)" = PNG ] || fail 'p.png is no PNG'
printf 'a,b,kind\n1,2,x\n1,2,x\n3,4,y\n5,6,y\n' >few.csv
works "$hone" data few.csv --data-options 'test=0.25, scale=none'
says '^columns: a, b$'
says 'classes: x [0-9] y [0-9]'
printf '1,2\n' >>few.csv
works "$hone" data few.csv --data-options damaged=skip
says '^1 damaged samples were left out$'
refuses 1 'few.csv: line 6 has 2 fields' "$hone" data few.csv
works "$hone" data text:5000
says '^text:5000: text, tokens, 256 values$'
says 'tokens: [0-9]+, of which [0-9]+ of 256 values occur'
works "$hone" data --kinds
says '^csv:FILE$'
says '    missing=refuse.mean.zero.drop: '
refuses 2 'what to look at is missing' "$hone" data
refuses 2 '--sheet x.jpg: a name that ends in .svg or .png' "$hone" data digits --sheet x.jpg
refuses 1 "--sheet: the samples aren't pictures" "$hone" data houses.csv --sheet x.png
refuses 1 'nowhere: No such file or directory' "$hone" data nowhere
finish
