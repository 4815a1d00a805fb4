#!/bin/bash
# images.sh HONE: folders of pictures as data: training by any number of workers, what is wrong with a
# folder, damaged files.
source "$(dirname "$0")/common.sh" "$1"
files=$here/../pictures/files

# put SET CLASS FILE...: copies of golden files
put() {
  mkdir -p "$1/$2"
  local to=$1/$2 file
  shift 2
  for file in "$@"; do cp "$files/$file" "$to/"; done
}
put set cat photo.png square.png jpeg_2x2_baseline.jpg jpeg_restarts.jpg exif_6.jpg png_2_8.png
put set dog grey.png colours.png jpeg_1x1_progressive.jpg jpeg_arithmetic.jpg jpeg_cmyk_2.jpg png_3_8.png
if grep -q "was built without" <("$hone" train --data set --transform resize:8,8 --model mlp:192,2 --epochs 0 2>&1); then
  echo "skipped: hone was built without libpng or libjpeg-turbo"
  exit 77
fi
small=(--transform "resize:20,20+crop:16+flip+jitter:0.3,0.3,0.3,0.1+normalize:0.5,0.25" --model mlp:768,2 --batch 4 --shuffle)

# a sheet of pictures of any sizes
works "$hone" data set --sheet sheet.png
says '^wrote sheet.png$'
says 'x u8 \[3, \?, \?\]'
says '  classes: cat [0-9]+ dog [0-9]+'
[ "$(od -An -tu1 -j16 -N8 sheet.png | tr -s ' ')" = " 0 0 4 152 0 0 0 196" ] || fail "sheet.png isn't 12 x 98 by 2 x 98: $(od -An -tu1 -j16 -N8 sheet.png)"

# the same weights whatever the number of workers
for workers in 0 1 2 7; do
  works "$hone" train --data set "${small[@]}" --epochs 2 --workers $workers --save $workers.st
  cmp -s 0.st $workers.st || fail "$workers workers end in other weights"
done
works "$hone" train --data images:set "${small[@]}" --epochs 1 --stratify --val-split 0.2 --accumulate 2
says "val"
works "$hone" train --data set --transform "resize:16,16+mixup" --model mlp:768,2 --epochs 1
works "$hone" eval --data set "${small[@]:0:2}" --load 0.st
says "2 images"
works "$hone" predict --data set "${small[@]:0:2}" --load 0.st
[ "$(wc -l <out)" -eq 13 ] || fail "predict tells of $(wc -l <out) lines, not 13"

# folders for training and test, and what they must have
put two/train cat photo.png square.png
put two/train dog grey.png colours.png
put two/val cat photo.png
put two/val dog grey.png
works "$hone" train --data two --transform resize:4,4 --model mlp:48,2 --epochs 1
says "two: 4 training and 2 test images"
mv two/val/dog two/val/fox
refuses 1 "two: its folders for training and test have other classes" "$hone" train --data two --transform resize:4,4 --epochs 1

# one clear line each
mkdir -p none/a none/b
refuses 1 "no picture .* in the folders of none" "$hone" train --data images:none
put one cat photo.png square.png
refuses 1 "one has one class, cat" "$hone" train --data one
put few cat photo.png square.png
put few dog grey.png
works "$hone" train --data few --transform resize:4,4 --model mlp:48,2 --epochs 1
refuses 1 "samples of different sizes; --transform resize" "$hone" train --data set
refuses 2 "--transform resiz:4: there is no such step; did you mean resize" "$hone" train --data set --transform resiz:4
refuses 2 "--transform: text are no pictures" "$hone" train --data text --transform flip
refuses 2 "damaged=maybe .refuse.skip.keep is wanted" "$hone" train --data set --data-options damaged=maybe

# a damaged file in the middle
head -c 700 "$files/jpeg_restarts.jpg" >set/cat/middle.jpg
cut=(--data set --transform resize:4,4 --model mlp:48,2 --epochs 1 --batch 3)
for workers in 0 2; do
  refuses 1 "set/cat/middle.jpg is damaged: .*premature end" "$hone" train "${cut[@]}" --workers $workers
done
works "$hone" train "${cut[@]}" --data-options damaged=skip
works "$hone" train "${cut[@]}" --data-options damaged=keep
finish
