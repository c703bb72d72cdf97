;; Colours of pixels: which triangles each shows, and their colours at its centre.
;;
;; PlainResolver and PlainShader (../../resolve.ts, ../../shade.ts) do the same in plain JavaScript and say why; each operation
;; here is the one there, in the same order and precision, so that both give the same bits. What differs: pairs
;; of numbers share one instruction (red and green, blue and 1/w, u and v); texels are bytes, in images with a
;; border of one texel that repeats or continues the image; a triangle's last level of detail is remembered.
;;
;; Where numbers become integers they are truncated, and 1.5 * 2^52 is added: the low bits of the sum are those
;; that JavaScript's `| 0` gives.
;;
;; Everything lies in the memory of ../../raster-memory.ts. Records of triangles are as ../light/light.wat has them;
;; ../../shading-tables.ts makes besides:
;;
;;   images     32 bytes per image: f64 width, f64 height, i32 last level, i32 address of the first one
;;   levels     32 bytes per level: f64 width, f64 height, i32 texels (0 = not made yet), i32 bytes of a row,
;;              i32 whether the image repeats
;;   pixel      room for the bytes of one pixel
;;   block      32 bytes for each of 8 pixels: f64 lit blue, f64 w, i32 address of the texel to the left and above,
;;              i32 weights of that row of texels, i32 of the next one (16 bits each)
;;
;; Compiled by `npm run kernels` into module.ts.
(module
  (import "arena" "memory" (memory 1))
  (import "at" "vertexSurface" (global $vertexSurface i32))
  (import "at" "parentA" (global $parentA i32))
  (import "at" "records" (global $records i32))
  (import "at" "images" (global $images i32))
  (import "at" "pixel" (global $pixel i32))
  (import "at" "block" (global $block i32))
  (import "at" "sceneVertices" (global $sceneVertices i32))
  (import "at" "width" (global $width i32))
  (import "at" "samples" (global $samples i32))
  ;; Numbers the frame; makes the record of a triangle, given its address.
  (import "light" "frame" (global $frame (mut i32)))
  (import "light" "prepare" (func $prepare (param i32 i32)))
  ;; Colour behind everything at a pixel (column, row); makes a level of an image.
  (import "scene" "sky" (func $sky (param i32 i32) (result i32)))
  (import "scene" "makeLevel" (func $makeLevel (param i32 i32)))

  (global $cornersA (mut i32) (i32.const 0))

  ;; Takes the addresses of a frame's list of triangles: of their first corners.
  (func (export "begin") (param $a i32) (global.set $cornersA (local.get $a)))

  ;; ---- Triangles ----

  ;; Number of the smooth surface of a triangle.
  (func $surfaceOf (param $triangle i32) (result i32)
    (local $vertex i32)
    (local.set $vertex
      (i32.load (i32.add (global.get $cornersA) (i32.shl (local.get $triangle) (i32.const 2)))))
    ;; Of a vertex that clipping made, that of the kept end of its edge.
    (block $done
      (loop $next
        (br_if $done (i32.lt_u (local.get $vertex) (global.get $sceneVertices)))
        (local.set $vertex
          (i32.load
            (i32.add (global.get $parentA)
              (i32.shl
                (i32.sub (local.get $vertex) (global.get $sceneVertices))
                (i32.const 2)))))
        (br $next)))
    (i32.load (i32.add (global.get $vertexSurface) (i32.shl (local.get $vertex) (i32.const 2)))))

  ;; The level of detail of a triangle's image for the block of 8 pixels (LOD_BLOCK of ../shade.ts) that holds a
  ;; column of a row: where it is described.
  (func $levelAt (param $record i32) (param $column i32) (param $row i32) (result i32)
    (local $block i32) (local $image i32) (local $level i32) (local $step i32) (local $last i32)
    (local $x v128) (local $y v128) (local $dw v128) (local $w v128) (local $uv v128)
    (local $size v128) (local $alongX v128) (local $alongY v128) (local $x2 f64) (local $y2 f64)
    (local.set $block
      (i32.or
        (i32.shl (local.get $row) (i32.const 16))
        (i32.shr_u (local.get $column) (i32.const 3))))
    (if (i32.eq (i32.load offset=156 (local.get $record)) (local.get $block))
      (then (return (i32.load offset=160 (local.get $record)))))
    (local.set $image
      (i32.add (global.get $images)
        (i32.shl (i32.load offset=148 (local.get $record)) (i32.const 5))))
    (local.set $x
      (f64x2.splat
        (f64.convert_i32_s
          (i32.add (i32.and (local.get $column) (i32.const -8)) (i32.const 4)))))
    (local.set $y
      (f64x2.splat (f64.add (f64.convert_i32_s (local.get $row)) (f64.const 0.5))))
    (local.set $w
      (f64x2.div (f64x2.splat (f64.const 1))
        (f64x2.add
          (f64x2.add
            (v128.load64_splat offset=56 (local.get $record))
            (f64x2.mul (v128.load64_splat offset=72 (local.get $record)) (local.get $x)))
          (f64x2.mul (v128.load64_splat offset=88 (local.get $record)) (local.get $y)))))
    (local.set $uv
      (f64x2.mul
        (f64x2.add
          (f64x2.add
            (v128.load offset=96 (local.get $record))
            (f64x2.mul (v128.load offset=112 (local.get $record)) (local.get $x)))
          (f64x2.mul (v128.load offset=128 (local.get $record)) (local.get $y)))
        (local.get $w)))
    (local.set $size (f64x2.mul (v128.load (local.get $image)) (local.get $w)))
    (local.set $alongX
      (f64x2.mul
        (f64x2.sub
          (v128.load offset=112 (local.get $record))
          (f64x2.mul (local.get $uv) (v128.load64_splat offset=72 (local.get $record))))
        (local.get $size)))
    (local.set $alongY
      (f64x2.mul
        (f64x2.sub
          (v128.load offset=128 (local.get $record))
          (f64x2.mul (local.get $uv) (v128.load64_splat offset=88 (local.get $record))))
        (local.get $size)))
    (local.set $alongX (f64x2.mul (local.get $alongX) (local.get $alongX)))
    (local.set $alongY (f64x2.mul (local.get $alongY) (local.get $alongY)))
    (local.set $x2
      (f64.add
        (f64x2.extract_lane 0 (local.get $alongX))
        (f64x2.extract_lane 1 (local.get $alongX))))
    (local.set $y2
      (f64.add
        (f64x2.extract_lane 0 (local.get $alongY))
        (f64x2.extract_lane 1 (local.get $alongY))))
    ;; 256 times the level from the bits of the square (log2Times128), then in quarters (TextureImage.levelFor).
    (local.set $step
      (i32.shr_s
        (i32.add
          (i32.shr_s
            (i32.sub
              (i32.reinterpret_f32
                (f32.demote_f64
                  (select (local.get $x2) (local.get $y2)
                    (f64.gt (local.get $x2) (local.get $y2)))))
              (i32.const 0x3f800000))
            (i32.const 16))
          (i32.const 32))
        (i32.const 6)))
    (if (i32.lt_s (local.get $step) (i32.const 0)) (then (local.set $step (i32.const 0))))
    (local.set $last (i32.load offset=16 (local.get $image)))
    (if (i32.gt_s (local.get $step) (local.get $last))
      (then (local.set $step (local.get $last))))
    (local.set $level
      (i32.add
        (i32.load offset=20 (local.get $image))
        (i32.shl (local.get $step) (i32.const 5))))
    (if (i32.eqz (i32.load offset=16 (local.get $level)))
      (then (call $makeLevel (i32.load offset=148 (local.get $record)) (local.get $step))))
    (i32.store offset=156 (local.get $record) (local.get $block))
    (i32.store offset=160 (local.get $record) (local.get $level))
    (local.get $level))

  ;; Whole numbers modulo 256. Only with one sample can a run be of a sliver, whose planes may give any number, also
  ;; such that a sum with 1.5 * 2^52 has lost their low bits.
  (func $lowByte (param $whole v128) (result v128)
    (f64x2.sub (local.get $whole)
      (f64x2.mul
        (f64x2.floor (f64x2.mul (local.get $whole) (f64x2.splat (f64.const 0x1p-8))))
        (f64x2.splat (f64.const 256)))))

  ;; Colours pixels [$column, $end) of a row, which show a triangle, in the bytes from $at on, with channels of the
  ;; light clamped to [$least, $most]. Returns the last pixel's colour, packed, if they are clamped to [0, 255].
  (func $shade
    (param $triangle i32) (param $row i32) (param $column i32) (param $end i32) (param $at i32)
    (param $least f64) (param $most f64)
    (result i32)
    (local $record i32) (local $packed i32) (local $stop i32)
    (local $x v128) (local $y v128) (local $w v128)
    (local $redGreen0 v128) (local $redGreenX v128) (local $redGreenY v128) (local $redGreen v128)
    (local $blue0 v128) (local $blueX v128) (local $blueY v128) (local $blue v128)
    (local $uv0 v128) (local $uvX v128) (local $uvY v128) (local $uv v128)
    (local $level i32) (local $size v128) (local $texels i32) (local $pitch i32) (local $repeats i32)
    (local $whole v128) (local $fx i32) (local $fy i32) (local $both i32) (local $corner i32) (local $sample v128)
    (local $from i32) (local $entry i32)
    (local.set $record
      (i32.add (global.get $records) (i32.mul (local.get $triangle) (i32.const 176))))
    (if (i32.ne (i32.load offset=144 (local.get $record)) (global.get $frame))
      (then (call $prepare (local.get $triangle) (local.get $record))))
    (local.set $packed (i32.load offset=152 (local.get $record)))
    (if (i32.ge_s (local.get $packed) (i32.const 0))
      (then
        (loop $next
          (i32.store16 (local.get $at) (local.get $packed))
          (i32.store8 offset=2 (local.get $at) (i32.shr_u (local.get $packed) (i32.const 16)))
          (local.set $at (i32.add (local.get $at) (i32.const 3)))
          (local.set $column (i32.add (local.get $column) (i32.const 1)))
          (br_if $next (i32.lt_s (local.get $column) (local.get $end))))
        (return (local.get $packed))))
    (local.set $y (f64x2.splat (f64.add (f64.convert_i32_s (local.get $row)) (f64.const 0.5))))
    (local.set $redGreen0 (v128.load (local.get $record)))
    (local.set $redGreenX (v128.load offset=16 (local.get $record)))
    (local.set $redGreenY (f64x2.mul (v128.load offset=32 (local.get $record)) (local.get $y)))
    (local.set $blue0 (v128.load offset=48 (local.get $record)))
    (local.set $blueX (v128.load offset=64 (local.get $record)))
    (local.set $blueY (f64x2.mul (v128.load offset=80 (local.get $record)) (local.get $y)))
    (if (i32.lt_s (i32.load offset=148 (local.get $record)) (i32.const 0))
      (then
        (loop $next
          (local.set $x
            (f64x2.splat (f64.add (f64.convert_i32_s (local.get $column)) (f64.const 0.5))))
          (local.set $blue ;; and 1/w
            (f64x2.add
              (f64x2.add (local.get $blue0) (f64x2.mul (local.get $blueX) (local.get $x)))
              (local.get $blueY)))
          (local.set $w
            (f64x2.div (f64x2.splat (f64.const 1))
              (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15
                (local.get $blue) (local.get $blue))))
          (local.set $redGreen
            (f64x2.mul
              (f64x2.add
                (f64x2.add (local.get $redGreen0) (f64x2.mul (local.get $redGreenX) (local.get $x)))
                (local.get $redGreenY))
              (local.get $w)))
          (local.set $redGreen
            (f64x2.pmin
              (f64x2.pmax (local.get $redGreen) (f64x2.splat (local.get $least)))
              (f64x2.splat (local.get $most))))
          (local.set $blue
            (f64x2.pmin
              (f64x2.pmax
                (f64x2.mul (local.get $blue) (local.get $w))
                (f64x2.splat (local.get $least)))
              (f64x2.splat (local.get $most))))
          (local.set $redGreen
            (f64x2.trunc (f64x2.add (local.get $redGreen) (f64x2.splat (f64.const 0.5)))))
          (local.set $blue
            (f64x2.trunc (f64x2.add (local.get $blue) (f64x2.splat (f64.const 0.5)))))
          (if (i32.eq (global.get $samples) (i32.const 1))
            (then
              (local.set $redGreen (call $lowByte (local.get $redGreen)))
              (local.set $blue (call $lowByte (local.get $blue)))))
          (local.set $packed
            (i32x4.extract_lane 0
              (i8x16.shuffle 0 8 16 20 0 0 0 0 0 0 0 0 0 0 0 0
                (f64x2.add (local.get $redGreen) (f64x2.splat (f64.const 6755399441055744)))
                (f64x2.add (local.get $blue) (f64x2.splat (f64.const 6755399441055744))))))
          (i32.store16 (local.get $at) (local.get $packed))
          (i32.store8 offset=2 (local.get $at) (i32.shr_u (local.get $packed) (i32.const 16)))
          (local.set $at (i32.add (local.get $at) (i32.const 3)))
          (local.set $column (i32.add (local.get $column) (i32.const 1)))
          (br_if $next (i32.lt_s (local.get $column) (local.get $end))))
        (return (local.get $packed))))
    (local.set $uv0 (v128.load offset=96 (local.get $record)))
    (local.set $uvX (v128.load offset=112 (local.get $record)))
    (local.set $uvY (f64x2.mul (v128.load offset=128 (local.get $record)) (local.get $y)))
    (loop $nextBlock
      (local.set $level (call $levelAt (local.get $record) (local.get $column) (local.get $row)))
      (local.set $size (v128.load (local.get $level)))
      (local.set $texels (i32.load offset=16 (local.get $level)))
      (local.set $pitch (i32.load offset=20 (local.get $level)))
      (local.set $repeats (i32.load offset=24 (local.get $level)))
      (local.set $stop (i32.add (i32.and (local.get $column) (i32.const -8)) (i32.const 8)))
      (if (i32.gt_s (local.get $stop) (local.get $end)) (then (local.set $stop (local.get $end))))
      ;; Two loops over the block: in one, a pixel's long chain of operations would fill the processor's queues, and
      ;; little of the next pixel would run beside it.
      (local.set $from (local.get $column))
      (local.set $entry (global.get $block))
      (loop $nextPlace
        (local.set $x
          (f64x2.splat (f64.add (f64.convert_i32_s (local.get $column)) (f64.const 0.5))))
        (local.set $blue
          (f64x2.add
            (f64x2.add (local.get $blue0) (f64x2.mul (local.get $blueX) (local.get $x)))
            (local.get $blueY)))
        (local.set $w
          (f64x2.div (f64x2.splat (f64.const 1))
            (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15
              (local.get $blue) (local.get $blue))))
        (v128.store (local.get $entry)
          (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
            (f64x2.mul (local.get $blue) (local.get $w))
            (local.get $w)))
        (local.set $uv
          (f64x2.mul
            (f64x2.add
              (f64x2.add (local.get $uv0) (f64x2.mul (local.get $uvX) (local.get $x)))
              (local.get $uvY))
            (local.get $w)))
        (if (local.get $repeats)
          (then (local.set $uv (f64x2.sub (local.get $uv) (f64x2.floor (local.get $uv)))))
          (else
            (local.set $uv
              (f64x2.pmin
                (f64x2.pmax (local.get $uv) (f64x2.splat (f64.const 0)))
                (f64x2.splat (f64.const 1))))))
        (local.set $uv
          (f64x2.add
            (f64x2.mul (local.get $uv) (local.get $size))
            (f64x2.splat (f64.const 0.5))))
        ;; The texel to the left and above, in the image with its border, and weights of 8 bits.
        (local.set $whole (f64x2.floor (local.get $uv)))
        (local.set $uv
          (f64x2.add
            (f64x2.floor
              (f64x2.mul
                (f64x2.sub (local.get $uv) (local.get $whole))
                (f64x2.splat (f64.const 256))))
            (f64x2.splat (f64.const 6755399441055744))))
        (local.set $whole
          (f64x2.add (local.get $whole) (f64x2.splat (f64.const 6755399441055744))))
        (i32.store offset=16 (local.get $entry)
          (i32.add
            (i32.add
              (local.get $texels)
              (i32.mul (i32x4.extract_lane 2 (local.get $whole)) (local.get $pitch)))
            (i32.shl (i32x4.extract_lane 0 (local.get $whole)) (i32.const 2))))
        (local.set $fx (i32x4.extract_lane 0 (local.get $uv)))
        (local.set $fy (i32x4.extract_lane 2 (local.get $uv)))
        (local.set $both
          (i32.shr_u (i32.mul (local.get $fx) (local.get $fy)) (i32.const 8)))
        (local.set $fx (i32.sub (local.get $fx) (local.get $both)))
        (local.set $fy (i32.sub (local.get $fy) (local.get $both)))
        (i32.store offset=20 (local.get $entry)
          (i32.or
            (i32.sub
              (i32.sub (i32.const 256) (i32.add (local.get $fx) (local.get $both)))
              (local.get $fy))
            (i32.shl (local.get $fx) (i32.const 16))))
        (i32.store offset=24 (local.get $entry)
          (i32.or (local.get $fy) (i32.shl (local.get $both) (i32.const 16))))
        (local.set $entry (i32.add (local.get $entry) (i32.const 32)))
        (local.set $column (i32.add (local.get $column) (i32.const 1)))
        (br_if $nextPlace (i32.lt_s (local.get $column) (local.get $stop))))
      (local.set $column (local.get $from))
      (local.set $entry (global.get $block))
      (loop $next
        (local.set $x
          (f64x2.splat (f64.add (f64.convert_i32_s (local.get $column)) (f64.const 0.5))))
        (local.set $redGreen
          (f64x2.mul
            (f64x2.add
              (f64x2.add (local.get $redGreen0) (f64x2.mul (local.get $redGreenX) (local.get $x)))
              (local.get $redGreenY))
            (v128.load64_splat offset=8 (local.get $entry))))
        (local.set $redGreen
          (f64x2.pmin
            (f64x2.pmax (local.get $redGreen) (f64x2.splat (local.get $least)))
            (f64x2.splat (local.get $most))))
        (local.set $blue
          (f64x2.pmin
            (f64x2.pmax
              (v128.load64_zero (local.get $entry))
              (f64x2.splat (local.get $least)))
            (f64x2.splat (local.get $most))))
        ;; Sums over the four texels, per channel, of 16 bits.
        (local.set $corner (i32.load offset=16 (local.get $entry)))
        (local.set $sample
          (i32x4.add
            (i32x4.dot_i16x8_s
              (i16x8.extend_low_i8x16_u
                (i8x16.shuffle 0 4 1 5 2 6 3 7 0 0 0 0 0 0 0 0
                  (v128.load64_zero (local.get $corner))
                  (v128.load64_zero (local.get $corner))))
              (v128.load32_splat offset=20 (local.get $entry)))
            (i32x4.dot_i16x8_s
              (i16x8.extend_low_i8x16_u
                (i8x16.shuffle 0 4 1 5 2 6 3 7 0 0 0 0 0 0 0 0
                  (v128.load64_zero (i32.add (local.get $corner) (local.get $pitch)))
                  (v128.load64_zero (i32.add (local.get $corner) (local.get $pitch)))))
              (v128.load32_splat offset=24 (local.get $entry)))))
        ;; Lit colour times sample / SAMPLE_UNIT.
        (local.set $redGreen
          (f64x2.mul
            (f64x2.mul (local.get $redGreen) (f64x2.convert_low_i32x4_s (local.get $sample)))
            (f64x2.splat (f64.const 0x1.010101010101p-16))))
        (local.set $blue
          (f64x2.mul
            (f64x2.mul (local.get $blue)
              (f64x2.convert_low_i32x4_s
                (i8x16.shuffle 8 9 10 11 8 9 10 11 8 9 10 11 8 9 10 11
                  (local.get $sample) (local.get $sample))))
            (f64x2.splat (f64.const 0x1.010101010101p-16))))
        (local.set $redGreen
          (f64x2.trunc (f64x2.add (local.get $redGreen) (f64x2.splat (f64.const 0.5)))))
        (local.set $blue
          (f64x2.trunc (f64x2.add (local.get $blue) (f64x2.splat (f64.const 0.5)))))
        (if (i32.eq (global.get $samples) (i32.const 1))
          (then
            (local.set $redGreen (call $lowByte (local.get $redGreen)))
            (local.set $blue (call $lowByte (local.get $blue)))))
        (local.set $packed
          (i32x4.extract_lane 0
            (i8x16.shuffle 0 8 16 20 0 0 0 0 0 0 0 0 0 0 0 0
              (f64x2.add (local.get $redGreen) (f64x2.splat (f64.const 6755399441055744)))
              (f64x2.add (local.get $blue) (f64x2.splat (f64.const 6755399441055744))))))
        (i32.store16 (local.get $at) (local.get $packed))
        (i32.store8 offset=2 (local.get $at) (i32.shr_u (local.get $packed) (i32.const 16)))
        (local.set $at (i32.add (local.get $at) (i32.const 3)))
        (local.set $entry (i32.add (local.get $entry) (i32.const 32)))
        (local.set $column (i32.add (local.get $column) (i32.const 1)))
        (br_if $next (i32.lt_s (local.get $column) (local.get $stop))))
      (br_if $nextBlock (i32.lt_s (local.get $column) (local.get $end))))
    (local.get $packed))

  ;; ---- Pictures ----

  ;; Colour of a triangle at the centre of a pixel, packed.
  (func $shadePixel (export "shadePixel") (param $triangle i32) (param $column i32) (param $row i32)
    (result i32)
    (call $shade (local.get $triangle) (local.get $row)
      (local.get $column) (i32.add (local.get $column) (i32.const 1))
      (global.get $pixel) (f64.const 0) (f64.const 255)))

  ;; The same, or that of the sky where there is none.
  (func $colour (param $triangle i32) (param $column i32) (param $row i32) (param $hasSky i32)
    (result i32)
    (if (local.get $triangle)
      (then
        (return (call $shadePixel (local.get $triangle) (local.get $column) (local.get $row)))))
    (if (result i32) (local.get $hasSky)
      (then (call $sky (local.get $column) (local.get $row)))
      (else (i32.const 0))))

  ;; Colours the pixels of a rectangle that show a triangle above number $oldest, in the picture at $rgb.
  ;;
  ;; $ids: triangles of the samples. $old: packed colours of the samples that show older triangles.
  ;; $oldest -1: nothing is old. $hasSky 0: it is black behind everything.
  (func (export "resolve")
    (param $ids i32) (param $rgb i32) (param $old i32) (param $oldest i32) (param $hasSky i32)
    (param $xMin i32) (param $yMin i32) (param $xMax i32) (param $yMax i32)
    (local $row i32) (local $column i32) (local $end i32) (local $line i32) (local $pitch i32)
    (local $sample i32) (local $at i32) (local $id i32) (local $byte i32)
    (local.set $pitch (i32.shl (global.get $width) (i32.const 2)))
    (local.set $line
      (i32.add (local.get $ids)
        (i32.mul (i32.mul (local.get $yMin) (global.get $samples)) (local.get $pitch))))
    (local.set $row (local.get $yMin))
    (block $done
      (loop $nextRow
        (br_if $done (i32.ge_s (local.get $row) (local.get $yMax)))
        (local.set $column (local.get $xMin))
        (block $rowDone
          (loop $next
            (br_if $rowDone (i32.ge_s (local.get $column) (local.get $xMax)))
            (local.set $sample
              (i32.add (local.get $line) (i32.shl (local.get $column) (i32.const 2))))
            (local.set $id (i32.load (local.get $sample)))
            (local.set $byte
              (i32.add (local.get $rgb)
                (i32.mul (i32.const 3)
                  (i32.add (i32.mul (local.get $row) (global.get $width)) (local.get $column)))))
            (if (i32.eqz (call $isWholly (local.get $sample) (local.get $id) (local.get $pitch)))
              (then
                (call $mix (local.get $sample)
                  (i32.add (local.get $old) (i32.sub (local.get $sample) (local.get $ids)))
                  (local.get $pitch) (local.get $oldest) (local.get $hasSky)
                  (local.get $column) (local.get $row) (local.get $byte))
                (local.set $column (i32.add (local.get $column) (i32.const 1)))
                (br $next)))
            ;; A run of pixels wholly of one triangle.
            (local.set $end (i32.add (local.get $column) (i32.const 1)))
            (block $runDone
              (loop $nextOfRun
                (br_if $runDone (i32.ge_s (local.get $end) (local.get $xMax)))
                (if (i32.le_s (local.get $end) (i32.sub (local.get $xMax) (i32.const 4)))
                  (then
                    (if (call $areWholly
                          (i32.add (local.get $line) (i32.shl (local.get $end) (i32.const 2)))
                          (i32x4.splat (local.get $id)) (local.get $pitch))
                      (then
                        (local.set $end (i32.add (local.get $end) (i32.const 4)))
                        (br $nextOfRun)))))
                (local.set $at
                  (i32.add (local.get $line) (i32.shl (local.get $end) (i32.const 2))))
                (br_if $runDone (i32.ne (i32.load (local.get $at)) (local.get $id)))
                (br_if $runDone
                  (i32.eqz (call $isWholly (local.get $at) (local.get $id) (local.get $pitch))))
                (local.set $end (i32.add (local.get $end) (i32.const 1)))
                (br $nextOfRun)))
            (if (i32.gt_s (local.get $id) (local.get $oldest))
              (then
                (if (local.get $id)
                  (then
                    (drop
                      (call $shade (local.get $id) (local.get $row)
                        (local.get $column) (local.get $end)
                        (local.get $byte) (f64.const -inf) (f64.const inf))))
                  (else
                    (loop $nextOfSky
                      (call $write (local.get $byte)
                        (call $colour
                          (i32.const 0) (local.get $column) (local.get $row) (local.get $hasSky)))
                      (local.set $byte (i32.add (local.get $byte) (i32.const 3)))
                      (local.set $column (i32.add (local.get $column) (i32.const 1)))
                      (br_if $nextOfSky (i32.lt_s (local.get $column) (local.get $end))))))))
            (local.set $column (local.get $end))
            (br $next)))
        (local.set $line
          (i32.add (local.get $line) (i32.mul (global.get $samples) (local.get $pitch))))
        (local.set $row (i32.add (local.get $row) (i32.const 1)))
        (br $nextRow))))

  ;; Whether the samples below the one at $sample, of the same pixel, are of a triangle, too.
  (func $isWholly (param $sample i32) (param $id i32) (param $pitch i32) (result i32)
    (local $below i32)
    (if (i32.eq (global.get $samples) (i32.const 1)) (then (return (i32.const 1))))
    (local.set $below
      (i32.add (local.get $sample) (i32.shl (local.get $pitch) (i32.const 1))))
    (i32.and
      (i32.and
        (i32.eq
          (i32.load (i32.add (local.get $sample) (local.get $pitch)))
          (local.get $id))
        (i32.eq (i32.load (local.get $below)) (local.get $id)))
      (i32.eq
        (i32.load (i32.add (local.get $below) (local.get $pitch)))
        (local.get $id))))

  ;; The same for four pixels side by side.
  (func $areWholly (param $sample i32) (param $ids v128) (param $pitch i32) (result i32)
    (local $equal v128) (local $line i32)
    (local.set $equal (i32x4.eq (v128.load (local.get $sample)) (local.get $ids)))
    (if (i32.ne (global.get $samples) (i32.const 1))
      (then
        (loop $next
          (local.set $sample (i32.add (local.get $sample) (local.get $pitch)))
          (local.set $line (i32.add (local.get $line) (i32.const 1)))
          (local.set $equal
            (v128.and
              (local.get $equal)
              (i32x4.eq (v128.load (local.get $sample)) (local.get $ids))))
          (br_if $next (i32.lt_u (local.get $line) (i32.const 3))))))
    (i32x4.all_true (local.get $equal)))

  (func $write (param $byte i32) (param $packed i32)
    (i32.store16 (local.get $byte) (local.get $packed))
    (i32.store8 offset=2 (local.get $byte) (i32.shr_u (local.get $packed) (i32.const 16))))

  ;; Colours a pixel whose samples are not all of one triangle.
  (func $mix
    (param $sample i32) (param $old i32) (param $pitch i32) (param $oldest i32) (param $hasSky i32)
    (param $column i32) (param $row i32) (param $byte i32)
    (local $i0 i32) (local $i1 i32) (local $i2 i32) (local $i3 i32)
    (local $c0 i32) (local $c1 i32) (local $c2 i32) (local $c3 i32) (local $hasOld i32)
    (local.set $i0 (i32.load (local.get $sample)))
    (local.set $i1 (i32.load (i32.add (local.get $sample) (local.get $pitch))))
    (local.set $c0 (i32.add (local.get $sample) (i32.shl (local.get $pitch) (i32.const 1))))
    (local.set $i2 (i32.load (local.get $c0)))
    (local.set $i3 (i32.load (i32.add (local.get $c0) (local.get $pitch))))
    (local.set $hasOld (i32.ge_s (local.get $oldest) (i32.const 0)))
    (if (i32.eqz (local.get $hasOld)) (then (local.set $oldest (i32.const 0))))
    (local.set $c0 (i32.gt_s (local.get $i0) (local.get $oldest)))
    (local.set $c1 (i32.gt_s (local.get $i1) (local.get $oldest)))
    (local.set $c2 (i32.gt_s (local.get $i2) (local.get $oldest)))
    (local.set $c3 (i32.gt_s (local.get $i3) (local.get $oldest)))
    (if (i32.eqz
          (i32.or
            (i32.or (local.get $c0) (local.get $c1))
            (i32.or (local.get $c2) (local.get $c3))))
      (then (return)))
    (if (i32.and
          (i32.and (local.get $c0) (local.get $c1))
          (i32.and (local.get $c2) (local.get $c3)))
      (then
        (local.set $c0
          (call $frequentOfOneSurface
            (local.get $i0) (local.get $i1) (local.get $i2) (local.get $i3)))
        (if (local.get $c0)
          (then
            (call $write (local.get $byte)
              (call $shadePixel (local.get $c0) (local.get $column) (local.get $row)))
            (return)))))
    ;; Each triangle is shaded once; samples of older ones keep their colour.
    (local.set $c0
      (if (result i32)
        (i32.and (local.get $hasOld) (i32.le_s (local.get $i0) (local.get $oldest)))
        (then (i32.load (local.get $old)))
        (else
          (call $colour
            (local.get $i0) (local.get $column) (local.get $row) (local.get $hasSky)))))
    (local.set $old (i32.add (local.get $old) (local.get $pitch)))
    (local.set $c1
      (if (result i32)
        (i32.and (local.get $hasOld) (i32.le_s (local.get $i1) (local.get $oldest)))
        (then (i32.load (local.get $old)))
        (else
          (if (result i32) (i32.eq (local.get $i1) (local.get $i0))
            (then (local.get $c0))
            (else
              (call $colour
                (local.get $i1) (local.get $column) (local.get $row) (local.get $hasSky)))))))
    (local.set $old (i32.add (local.get $old) (local.get $pitch)))
    (local.set $c2
      (if (result i32)
        (i32.and (local.get $hasOld) (i32.le_s (local.get $i2) (local.get $oldest)))
        (then (i32.load (local.get $old)))
        (else
          (if (result i32) (i32.eq (local.get $i2) (local.get $i1))
            (then (local.get $c1))
            (else
              (if (result i32) (i32.eq (local.get $i2) (local.get $i0))
                (then (local.get $c0))
                (else
                  (call $colour
                    (local.get $i2) (local.get $column) (local.get $row) (local.get $hasSky)))))))))
    (local.set $old (i32.add (local.get $old) (local.get $pitch)))
    (local.set $c3
      (if (result i32)
        (i32.and (local.get $hasOld) (i32.le_s (local.get $i3) (local.get $oldest)))
        (then (i32.load (local.get $old)))
        (else
          (if (result i32) (i32.eq (local.get $i3) (local.get $i2))
            (then (local.get $c2))
            (else
              (if (result i32) (i32.eq (local.get $i3) (local.get $i1))
                (then (local.get $c1))
                (else
                  (if (result i32) (i32.eq (local.get $i3) (local.get $i0))
                    (then (local.get $c0))
                    (else
                      (call $colour (local.get $i3)
                        (local.get $column) (local.get $row) (local.get $hasSky)))))))))))
    (call $write (local.get $byte)
      (call $mean4 (local.get $c0) (local.get $c1) (local.get $c2) (local.get $c3))))

  ;; If all four are of one smooth surface, the one with at least two samples; else 0.
  (func $frequentOfOneSurface (param $i0 i32) (param $i1 i32) (param $i2 i32) (param $i3 i32)
    (result i32)
    (local $surface i32)
    (local.set $surface (call $surfaceOf (local.get $i0)))
    (if (i32.ne (local.get $i1) (local.get $i0))
      (then
        (if (i32.ne (call $surfaceOf (local.get $i1)) (local.get $surface))
          (then (return (i32.const 0))))))
    (if (i32.ne (local.get $i2) (local.get $i0))
      (then
        (if (i32.ne (call $surfaceOf (local.get $i2)) (local.get $surface))
          (then (return (i32.const 0))))))
    (if (i32.ne (local.get $i3) (local.get $i0))
      (then
        (if (i32.ne (call $surfaceOf (local.get $i3)) (local.get $surface))
          (then (return (i32.const 0))))))
    (if (i32.or
          (i32.or
            (i32.eq (local.get $i0) (local.get $i1))
            (i32.eq (local.get $i0) (local.get $i2)))
          (i32.eq (local.get $i0) (local.get $i3)))
      (then (return (local.get $i0))))
    (if (i32.or
          (i32.eq (local.get $i1) (local.get $i2))
          (i32.eq (local.get $i1) (local.get $i3)))
      (then (return (local.get $i1))))
    (select (local.get $i2) (i32.const 0) (i32.eq (local.get $i2) (local.get $i3))))

  ;; Mean of four packed colours, rounded.
  (func $mean4 (param $a i32) (param $b i32) (param $c i32) (param $d i32) (result i32)
    (local $redBlue i32) (local $green i32)
    (local.set $redBlue
      (i32.add
        (i32.add
          (i32.add
            (i32.and (local.get $a) (i32.const 0xff00ff))
            (i32.and (local.get $b) (i32.const 0xff00ff)))
          (i32.add
            (i32.and (local.get $c) (i32.const 0xff00ff))
            (i32.and (local.get $d) (i32.const 0xff00ff))))
        (i32.const 0x020002)))
    (local.set $green
      (i32.add
        (i32.add
          (i32.add
            (i32.and (local.get $a) (i32.const 0xff00))
            (i32.and (local.get $b) (i32.const 0xff00)))
          (i32.add
            (i32.and (local.get $c) (i32.const 0xff00))
            (i32.and (local.get $d) (i32.const 0xff00))))
        (i32.const 0x200)))
    (i32.or
      (i32.and (i32.shr_u (local.get $redBlue) (i32.const 2)) (i32.const 0xff00ff))
      (i32.and (i32.shr_u (local.get $green) (i32.const 2)) (i32.const 0xff00)))))
