;; The two inner loops of a frame: projecting the vertices of a geom, and claiming samples for its triangles.
;;
;; Rasterizer of ../raster.ts does the same in plain JavaScript and says why; each operation here is the one
;; there, in the same order and precision, so that both give the same bits. What differs is that pairs of
;; numbers share one instruction (two vertices, the two ends of a span, two samples) and that rows are
;; clamped to the image without a branch.
;;
;; Everything lies in one memory, laid out by ../raster-memory.ts. The block at address 0 says where:
;;
;;   i32    0 columns      4 rows         8 inverse w   12 camera x   16 camera y   20 camera w
;;         24 positions   28 width       32 height      36 samples per pixel
;;         40 columns of tiles           44 bounds of tiles           48 farthest samples of tiles
;;         52 inverse depths of the target             56 triangles of the target
;;         60 corners a   64 corners b   68 corners c   72 geoms       76 planes
;;         80 triangles so far           84 room for triangles        88 row of the geom being drawn
;;         92 touched: x min             96 y min      100 x max      104 y max
;;        108 heights of vertices above the plane of a mirror
;;   f64  112 width      120 height     128 samples    136 1 / samples
;;        144 column of the sample in each of four sub-rows
;;        176 focal length, px          184 near plane               192 centre column   200 centre row
;;        208 view: rotation row by row, then translation
;;        304 plane of a mirror in camera coordinates: factors of x, y and w, then the offset
;;   i32  336 spans of the rows of the triangle being drawn, 16 bytes each: i32 0 first sample, 8 end
;;
;; The memory ends in a margin, because spans are read and written by four samples at a time.
;;
;; Compiled by `npm run kernels` into module.ts.
(module
  (import "arena" "memory" (memory 1))

  ;; Transforms and projects vertices [$vertex, $end), at least two, two at a time; of an odd number the last
  ;; but one is done twice. $keeps: camera coordinates are wanted, for clipping.
  (func (export "project") (param $vertex i32) (param $end i32) (param $keeps i32)
    (local $position i32) (local $at i32)
    (local $a v128) (local $b v128) (local $px v128) (local $py v128) (local $pz v128)
    (local $x v128) (local $y v128) (local $w v128)
    (local $inverse v128) (local $scale v128) (local $inFront v128)
    (local $columns i32) (local $rows i32) (local $inverses i32)
    (local $near v128) (local $focal v128) (local $centerColumn v128) (local $centerRow v128)
    (local $m0 v128) (local $m1 v128) (local $m2 v128) (local $m3 v128) (local $m4 v128)
    (local $m5 v128) (local $m6 v128) (local $m7 v128) (local $m8 v128)
    (local $tx v128) (local $ty v128) (local $tw v128)
    (local.set $columns (i32.load offset=0 (i32.const 0)))
    (local.set $rows (i32.load offset=4 (i32.const 0)))
    (local.set $inverses (i32.load offset=8 (i32.const 0)))
    (local.set $focal (v128.load64_splat offset=176 (i32.const 0)))
    (local.set $near (v128.load64_splat offset=184 (i32.const 0)))
    (local.set $centerColumn (v128.load64_splat offset=192 (i32.const 0)))
    (local.set $centerRow (v128.load64_splat offset=200 (i32.const 0)))
    (local.set $m0 (v128.load64_splat offset=208 (i32.const 0)))
    (local.set $m1 (v128.load64_splat offset=216 (i32.const 0)))
    (local.set $m2 (v128.load64_splat offset=224 (i32.const 0)))
    (local.set $m3 (v128.load64_splat offset=232 (i32.const 0)))
    (local.set $m4 (v128.load64_splat offset=240 (i32.const 0)))
    (local.set $m5 (v128.load64_splat offset=248 (i32.const 0)))
    (local.set $m6 (v128.load64_splat offset=256 (i32.const 0)))
    (local.set $m7 (v128.load64_splat offset=264 (i32.const 0)))
    (local.set $m8 (v128.load64_splat offset=272 (i32.const 0)))
    (local.set $tx (v128.load64_splat offset=280 (i32.const 0)))
    (local.set $ty (v128.load64_splat offset=288 (i32.const 0)))
    (local.set $tw (v128.load64_splat offset=296 (i32.const 0)))
    (loop $next
      (if (i32.eq (i32.add (local.get $vertex) (i32.const 1)) (local.get $end))
        (then (local.set $vertex (i32.sub (local.get $vertex) (i32.const 1)))))
      (local.set $position
        (i32.add (i32.load offset=24 (i32.const 0)) (i32.mul (local.get $vertex) (i32.const 12))))
      (local.set $a (v128.load (local.get $position))) ;; x y z x'
      (local.set $b (v128.load64_zero offset=16 (local.get $position))) ;; y' z'
      (local.set $px (f64x2.promote_low_f32x4
        (i8x16.shuffle 0 1 2 3 12 13 14 15 0 0 0 0 0 0 0 0 (local.get $a) (local.get $a))))
      (local.set $py (f64x2.promote_low_f32x4
        (i8x16.shuffle 4 5 6 7 16 17 18 19 0 0 0 0 0 0 0 0 (local.get $a) (local.get $b))))
      (local.set $pz (f64x2.promote_low_f32x4
        (i8x16.shuffle 8 9 10 11 20 21 22 23 0 0 0 0 0 0 0 0 (local.get $a) (local.get $b))))
      (local.set $x
        (f64x2.add (f64x2.add (f64x2.add
          (f64x2.mul (local.get $m0) (local.get $px))
          (f64x2.mul (local.get $m1) (local.get $py)))
          (f64x2.mul (local.get $m2) (local.get $pz)))
          (local.get $tx)))
      (local.set $y
        (f64x2.add (f64x2.add (f64x2.add
          (f64x2.mul (local.get $m3) (local.get $px))
          (f64x2.mul (local.get $m4) (local.get $py)))
          (f64x2.mul (local.get $m5) (local.get $pz)))
          (local.get $ty)))
      (local.set $w
        (f64x2.add (f64x2.add (f64x2.add
          (f64x2.mul (local.get $m6) (local.get $px))
          (f64x2.mul (local.get $m7) (local.get $py)))
          (f64x2.mul (local.get $m8) (local.get $pz)))
          (local.get $tw)))
      (local.set $at (i32.shl (local.get $vertex) (i32.const 3)))
      (if (local.get $keeps)
        (then
          (v128.store (i32.add (i32.load offset=12 (i32.const 0)) (local.get $at)) (local.get $x))
          (v128.store (i32.add (i32.load offset=16 (i32.const 0)) (local.get $at)) (local.get $y))
          (v128.store (i32.add (i32.load offset=20 (i32.const 0)) (local.get $at)) (local.get $w))))
      (local.set $inFront (f64x2.gt (local.get $w) (local.get $near)))
      (local.set $inverse (f64x2.div (f64x2.splat (f64.const 1)) (local.get $w)))
      (local.set $scale (f64x2.mul (local.get $focal) (local.get $inverse)))
      (v128.store (i32.add (local.get $inverses) (local.get $at))
        (v128.and (local.get $inverse) (local.get $inFront)))
      (v128.store (i32.add (local.get $columns) (local.get $at))
        (v128.bitselect
          (f64x2.add (local.get $centerColumn) (f64x2.mul (local.get $x) (local.get $scale)))
          (v128.load (i32.add (local.get $columns) (local.get $at)))
          (local.get $inFront)))
      (v128.store (i32.add (local.get $rows) (local.get $at))
        (v128.bitselect
          (f64x2.sub (local.get $centerRow) (f64x2.mul (local.get $y) (local.get $scale)))
          (v128.load (i32.add (local.get $rows) (local.get $at)))
          (local.get $inFront)))
      (local.set $vertex (i32.add (local.get $vertex) (i32.const 2)))
      (br_if $next (i32.lt_u (local.get $vertex) (local.get $end)))))

  ;; Measures how high vertices [$vertex, $end), whose camera coordinates are known, lie above the plane of a
  ;; mirror: at least two, two at a time, as `project` does.
  (func (export "measure") (param $vertex i32) (param $end i32)
    (local $at i32)
    (local $x v128) (local $y v128) (local $w v128) (local $offset v128)
    (local.set $x (v128.load64_splat offset=304 (i32.const 0)))
    (local.set $y (v128.load64_splat offset=312 (i32.const 0)))
    (local.set $w (v128.load64_splat offset=320 (i32.const 0)))
    (local.set $offset (v128.load64_splat offset=328 (i32.const 0)))
    (loop $next
      (if (i32.eq (i32.add (local.get $vertex) (i32.const 1)) (local.get $end))
        (then (local.set $vertex (i32.sub (local.get $vertex) (i32.const 1)))))
      (local.set $at (i32.shl (local.get $vertex) (i32.const 3)))
      (v128.store (i32.add (i32.load offset=108 (i32.const 0)) (local.get $at))
        (f64x2.add (f64x2.add (f64x2.add
          (f64x2.mul (local.get $x)
            (v128.load (i32.add (i32.load offset=12 (i32.const 0)) (local.get $at))))
          (f64x2.mul (local.get $y)
            (v128.load (i32.add (i32.load offset=16 (i32.const 0)) (local.get $at)))))
          (f64x2.mul (local.get $w)
            (v128.load (i32.add (i32.load offset=20 (i32.const 0)) (local.get $at)))))
          (local.get $offset)))
      (local.set $vertex (i32.add (local.get $vertex) (i32.const 2)))
      (br_if $next (i32.lt_u (local.get $vertex) (local.get $end)))))

  ;; Draws the front faces whose corners are the i32 at [$at, $end), three each. Ends early, with the address
  ;; of its corners, at a triangle that must be clipped first: with some corners behind the near plane, if
  ;; $mayClip; with some below the plane of a mirror, if $isAbove.
  (func (export "draw") (param $at i32) (param $end i32) (param $mayClip i32) (param $isAbove i32)
    (result i32)
    (local $a i32) (local $b i32) (local $c i32) (local $below i32) (local $behind i32)
    (local $columns i32) (local $rows i32) (local $inverses i32) (local $heights i32)
    (local $ax f64) (local $ay f64)
    (local.set $columns (i32.load offset=0 (i32.const 0)))
    (local.set $rows (i32.load offset=4 (i32.const 0)))
    (local.set $inverses (i32.load offset=8 (i32.const 0)))
    (local.set $heights (i32.load offset=108 (i32.const 0)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $a (i32.shl (i32.load (local.get $at)) (i32.const 3)))
        (local.set $b (i32.shl (i32.load offset=4 (local.get $at)) (i32.const 3)))
        (local.set $c (i32.shl (i32.load offset=8 (local.get $at)) (i32.const 3)))
        (if (local.get $isAbove)
          (then
            (local.set $below
              (i32.add (i32.add
                (f64.lt (f64.load (i32.add (local.get $heights) (local.get $a))) (f64.const 0))
                (f64.lt (f64.load (i32.add (local.get $heights) (local.get $b))) (f64.const 0)))
                (f64.lt (f64.load (i32.add (local.get $heights) (local.get $c))) (f64.const 0))))))
        (if (local.get $mayClip)
          (then
            (local.set $behind
              (i32.add (i32.add
                (f64.eq (f64.load (i32.add (local.get $inverses) (local.get $a))) (f64.const 0))
                (f64.eq (f64.load (i32.add (local.get $inverses) (local.get $b))) (f64.const 0)))
                (f64.eq (f64.load (i32.add (local.get $inverses) (local.get $c))) (f64.const 0))))))
        (if (i32.or (local.get $below) (local.get $behind))
          (then
            ;; Nothing is left of one that is wholly on the other side of a plane, if no other cuts it.
            (br_if $done
              (i32.and
                (i32.ne (local.get $below) (i32.const 3))
                (i32.or
                  (i32.ne (local.get $behind) (i32.const 3))
                  (i32.ne (local.get $below) (i32.const 0)))))
            (local.set $at (i32.add (local.get $at) (i32.const 12)))
            (br $next)))
        (local.set $ax (f64.load (i32.add (local.get $columns) (local.get $a))))
        (local.set $ay (f64.load (i32.add (local.get $rows) (local.get $a))))
        (if (f64.lt
              (f64.sub
                (f64.mul
                  (f64.sub (f64.load (i32.add (local.get $columns) (local.get $b))) (local.get $ax))
                  (f64.sub (f64.load (i32.add (local.get $rows) (local.get $c))) (local.get $ay)))
                (f64.mul
                  (f64.sub (f64.load (i32.add (local.get $columns) (local.get $c))) (local.get $ax))
                  (f64.sub (f64.load (i32.add (local.get $rows) (local.get $b))) (local.get $ay))))
              (f64.const 0))
          (then
            (call $fill
              (i32.shr_u (local.get $a) (i32.const 3))
              (i32.shr_u (local.get $b) (i32.const 3))
              (i32.shr_u (local.get $c) (i32.const 3)))))
        (local.set $at (i32.add (local.get $at) (i32.const 12)))
        (br $next)))
    (local.get $at))

  ;; Records a triangle that faces the camera and claims the samples where it is nearest.
  (func $fill (export "fill") (param $a i32) (param $b i32) (param $c i32)
    (local $columns i32) (local $rows i32) (local $inverses i32)
    (local $pa v128) (local $pb v128) (local $pc v128) (local $low v128) (local $high v128)
    (local $y0 f64) (local $y2 f64)
    (local $width f64) (local $height f64) (local $samples f64)
    (local $first i32) (local $stop i32) (local $end i32)
    (local $left f64) (local $right f64) (local $rowMin i32) (local $rowMax i32)
    (local $ax f64) (local $ay f64) (local $wa f64) (local $wb f64) (local $wc f64)
    (local $bx f64) (local $by f64) (local $cx f64) (local $cy f64) (local $area f64)
    (local $slopes v128) (local $dx f64) (local $dy f64) (local $base f64)
    (local $id i32) (local $at i32)
    (local $mask v128) (local $swap v128) (local $shorts v128) (local $isShort v128)
    (local $x v128) (local $y v128) (local $slope v128)
    (local $dxx v128) (local $widths v128)
    (local $step01 v128) (local $step23 v128) (local $steps v128) (local $ids v128)
    (local $subRow v128) (local $at2 v128) (local $yRow f64) (local $row i32) (local $spans i32)
    (local $z v128) (local $old v128)
    (local $pitch i32) (local $line i32) (local $toIds i32) (local $count i32) (local $claim i32)
    (local.set $columns (i32.load offset=0 (i32.const 0)))
    (local.set $rows (i32.load offset=4 (i32.const 0)))
    (local.set $inverses (i32.load offset=8 (i32.const 0)))
    (local.set $a (i32.shl (local.get $a) (i32.const 3)))
    (local.set $b (i32.shl (local.get $b) (i32.const 3)))
    (local.set $c (i32.shl (local.get $c) (i32.const 3)))
    (local.set $pa (v128.load64_lane 1 (i32.add (local.get $rows) (local.get $a))
      (v128.load64_zero (i32.add (local.get $columns) (local.get $a)))))
    (local.set $pb (v128.load64_lane 1 (i32.add (local.get $rows) (local.get $b))
      (v128.load64_zero (i32.add (local.get $columns) (local.get $b)))))
    (local.set $pc (v128.load64_lane 1 (i32.add (local.get $rows) (local.get $c))
      (v128.load64_zero (i32.add (local.get $columns) (local.get $c)))))
    (local.set $low (f64x2.pmin (f64x2.pmin (local.get $pa) (local.get $pb)) (local.get $pc)))
    (local.set $high (f64x2.pmax (f64x2.pmax (local.get $pa) (local.get $pb)) (local.get $pc)))
    (local.set $y0 (f64x2.extract_lane 1 (local.get $low)))
    (local.set $y2 (f64x2.extract_lane 1 (local.get $high)))
    (local.set $height (f64.load offset=120 (i32.const 0)))
    (local.set $samples (f64.load offset=128 (i32.const 0)))
    (if (i32.or
          (f64.le (local.get $y2) (f64.const 0))
          (f64.ge (local.get $y0) (local.get $height)))
      (then (return)))
    (local.set $first (call $firstRow (local.get $y0) (local.get $samples)))
    (local.set $end
      (i32.mul (i32.load offset=32 (i32.const 0)) (i32.load offset=36 (i32.const 0))))
    (if (f64.lt (local.get $y2) (local.get $height))
      (then (local.set $end (call $firstRow (local.get $y2) (local.get $samples)))))
    (if (i32.ge_s (local.get $first) (local.get $end)) (then (return)))
    (local.set $width (f64.load offset=112 (i32.const 0)))
    (local.set $left (f64x2.extract_lane 0 (local.get $low)))
    (local.set $right (f64x2.extract_lane 0 (local.get $high)))
    (if (i32.or
          (f64.le (local.get $right) (f64.const 0))
          (f64.ge (local.get $left) (local.get $width)))
      (then (return)))
    (local.set $at (i32.shr_u (i32.load offset=36 (i32.const 0)) (i32.const 1))) ;; 4 -> 2, 1 -> 0
    (local.set $rowMin (i32.shr_u (local.get $first) (local.get $at)))
    (local.set $rowMax
      (i32.shr_u
        (i32.sub (i32.add (local.get $end) (i32.load offset=36 (i32.const 0))) (i32.const 1))
        (local.get $at)))

    (local.set $ax (f64x2.extract_lane 0 (local.get $pa)))
    (local.set $ay (f64x2.extract_lane 1 (local.get $pa)))
    (local.set $wa (f64.load (i32.add (local.get $inverses) (local.get $a))))
    (local.set $wb
      (f64.sub (f64.load (i32.add (local.get $inverses) (local.get $b))) (local.get $wa)))
    (local.set $wc
      (f64.sub (f64.load (i32.add (local.get $inverses) (local.get $c))) (local.get $wa)))
    (local.set $bx (f64.sub (f64x2.extract_lane 0 (local.get $pb)) (local.get $ax)))
    (local.set $by (f64.sub (f64x2.extract_lane 1 (local.get $pb)) (local.get $ay)))
    (local.set $cx (f64.sub (f64x2.extract_lane 0 (local.get $pc)) (local.get $ax)))
    (local.set $cy (f64.sub (f64x2.extract_lane 1 (local.get $pc)) (local.get $ay)))
    (local.set $area
      (f64.sub
        (f64.mul (local.get $bx) (local.get $cy))
        (f64.mul (local.get $cx) (local.get $by))))
    ;; MIN_SOUND_AREA and MAX_SOUND_EXTENT of ../raster.ts
    (if (i32.and (i32.and
          (f64.lt (local.get $area) (f64.const -1e-3))
          (f64.lt (f64.sub (local.get $right) (local.get $left)) (f64.const 1000)))
          (f64.lt (f64.sub (local.get $y2) (local.get $y0)) (f64.const 1000)))
      (then
        (if (call $hides
              (call $clampPixel (local.get $left))
              (call $clampPixel (local.get $right))
              (local.get $rowMin)
              (i32.sub (local.get $rowMax) (i32.const 1))
              (f64.mul ;; by DEPTH_MARGIN
                (f64.add (local.get $wa) (f64x2.extract_lane 0
                  (f64x2.pmax
                    (f64x2.splat (f64.const 0))
                    (f64x2.pmax (f64x2.splat (local.get $wb)) (f64x2.splat (local.get $wc))))))
                (f64.const 1.000001)))
          (then (return)))))
    (local.set $slopes
      (f64x2.div
        (f64x2.replace_lane 1
          (f64x2.splat (f64.sub
            (f64.mul (local.get $wb) (local.get $cy))
            (f64.mul (local.get $wc) (local.get $by))))
          (f64.sub
            (f64.mul (local.get $wc) (local.get $bx))
            (f64.mul (local.get $wb) (local.get $cx))))
        (f64x2.splat (local.get $area))))
    (local.set $dx (f64x2.extract_lane 0 (local.get $slopes)))
    (local.set $dy (f64x2.extract_lane 1 (local.get $slopes)))
    (local.set $base
      (f64.sub
        (f64.sub (local.get $wa) (f64.mul (local.get $dx) (local.get $ax)))
        (f64.mul (local.get $dy) (local.get $ay))))

    (local.set $id (i32.add (i32.load offset=80 (i32.const 0)) (i32.const 1)))
    (if (i32.gt_u (local.get $id) (i32.load offset=84 (i32.const 0))) (then (unreachable)))
    (i32.store offset=80 (i32.const 0) (local.get $id))
    (local.set $at (i32.shl (local.get $id) (i32.const 2)))
    (i32.store (i32.add (i32.load offset=60 (i32.const 0)) (local.get $at))
      (i32.shr_u (local.get $a) (i32.const 3)))
    (i32.store (i32.add (i32.load offset=64 (i32.const 0)) (local.get $at))
      (i32.shr_u (local.get $b) (i32.const 3)))
    (i32.store (i32.add (i32.load offset=68 (i32.const 0)) (local.get $at))
      (i32.shr_u (local.get $c) (i32.const 3)))
    (i32.store (i32.add (i32.load offset=72 (i32.const 0)) (local.get $at))
      (i32.load offset=88 (i32.const 0)))
    (local.set $at
      (i32.add (i32.load offset=76 (i32.const 0)) (i32.mul (local.get $id) (i32.const 24))))
    (f64.store (local.get $at) (local.get $base))
    (v128.store offset=8 (local.get $at) (local.get $slopes))

    (local.set $at (call $clampPixel (local.get $left)))
    (if (i32.lt_s (local.get $at) (i32.load offset=92 (i32.const 0)))
      (then (i32.store offset=92 (i32.const 0) (local.get $at))))
    (if (i32.lt_s (local.get $rowMin) (i32.load offset=96 (i32.const 0)))
      (then (i32.store offset=96 (i32.const 0) (local.get $rowMin))))
    (local.set $at (i32.load offset=28 (i32.const 0)))
    (if (f64.le (local.get $right) (local.get $width))
      (then (local.set $at (i32.trunc_sat_f64_s (f64.ceil (local.get $right))))))
    (if (i32.gt_s (local.get $at) (i32.load offset=100 (i32.const 0)))
      (then (i32.store offset=100 (i32.const 0) (local.get $at))))
    (if (i32.gt_s (local.get $rowMax) (i32.load offset=104 (i32.const 0)))
      (then (i32.store offset=104 (i32.const 0) (local.get $rowMax))))

    ;; Sort by row: $pa on top, then $pb, then $pc.
    (local.set $mask (f64x2.gt
      (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $pa) (local.get $pa))
      (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $pb) (local.get $pb))))
    (local.set $swap (local.get $pa))
    (local.set $pa (v128.bitselect (local.get $pb) (local.get $pa) (local.get $mask)))
    (local.set $pb (v128.bitselect (local.get $swap) (local.get $pb) (local.get $mask)))
    (local.set $mask (f64x2.gt
      (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $pb) (local.get $pb))
      (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $pc) (local.get $pc))))
    (local.set $swap (local.get $pb))
    (local.set $pb (v128.bitselect (local.get $pc) (local.get $pb) (local.get $mask)))
    (local.set $pc (v128.bitselect (local.get $swap) (local.get $pc) (local.get $mask)))
    (local.set $mask (f64x2.gt
      (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $pa) (local.get $pa))
      (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $pb) (local.get $pb))))
    (local.set $swap (local.get $pa))
    (local.set $pa (v128.bitselect (local.get $pb) (local.get $pa) (local.get $mask)))
    (local.set $pb (v128.bitselect (local.get $swap) (local.get $pb) (local.get $mask)))

    ;; Until which row the part above the middle corner goes.
    (local.set $stop (local.get $end))
    (if (f64.lt (f64x2.extract_lane 1 (local.get $pb)) (local.get $height))
      (then
        (local.set $stop
          (call $firstRow (f64x2.extract_lane 1 (local.get $pb)) (local.get $samples)))
        (local.set $stop
          (select (local.get $stop) (local.get $end)
            (i32.lt_s (local.get $stop) (local.get $end))))))
    ;; Slopes of the edges: the long one in both lanes; the upper and the lower of the short ones.
    (local.set $low (f64x2.sub (local.get $pc) (local.get $pa)))
    (local.set $slope
      (f64x2.splat
        (f64.div (f64x2.extract_lane 0 (local.get $low)) (f64x2.extract_lane 1 (local.get $low)))))
    (local.set $low (f64x2.sub (local.get $pb) (local.get $pa)))
    (local.set $high (f64x2.sub (local.get $pc) (local.get $pb)))
    (local.set $shorts
      (f64x2.div
        (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $low) (local.get $high))
        (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31
          (local.get $low) (local.get $high))))
    ;; Lane 0 is the left edge, lane 1 the right one; $isShort marks the one of the two short edges.
    (local.set $x (f64x2.splat (f64x2.extract_lane 0 (local.get $pa))))
    (local.set $y (f64x2.splat (f64x2.extract_lane 1 (local.get $pa))))
    (local.set $isShort
      (v128.xor
        (v128.const i64x2 -1 0)
        (f64x2.lt
          (f64x2.add
            (local.get $x)
            (f64x2.mul
              (f64x2.splat (f64x2.extract_lane 1 (local.get $low)))
              (local.get $slope)))
          (f64x2.splat (f64x2.extract_lane 0 (local.get $pb))))))
    (local.set $slope
      (v128.bitselect
        (f64x2.splat (f64x2.extract_lane 0 (local.get $shorts)))
        (local.get $slope)
        (local.get $isShort)))

    ;; First the spans of all rows, clamped to the image: apart from drawing, whether a row is empty is known in
    ;; time, and none waits for the row before.
    (local.set $widths (f64x2.splat (local.get $width)))
    (local.set $subRow (v128.load64_splat offset=136 (i32.const 0)))
    (local.set $at2
      (f64x2.mul
        (f64x2.splat (f64.add (f64.convert_i32_s (local.get $first)) (f64.const 0.5)))
        (local.get $subRow)))
    (local.set $yRow (f64x2.extract_lane 0 (local.get $at2)))
    (local.set $row (local.get $first))
    (local.set $spans (i32.load offset=336 (i32.const 0)))
    (local.set $at (local.get $spans))
    (loop $part
      (if (i32.lt_s (local.get $first) (local.get $stop))
        (then
          (loop $next
            (v128.store (local.get $at)
              (f64x2.add
                (f64x2.pmin
                  (local.get $widths)
                  (f64x2.pmax
                    (f64x2.splat (f64.const 0))
                    (f64x2.ceil
                      (f64x2.sub
                        (f64x2.add
                          (local.get $x)
                          (f64x2.mul
                            (f64x2.sub (local.get $at2) (local.get $y))
                            (local.get $slope)))
                        (v128.load64_splat offset=144
                          (i32.shl (i32.and (local.get $first) (i32.const 3)) (i32.const 3)))))))
                ;; Adding 1.5 * 2^52 leaves a small integer in the low bits.
                (f64x2.splat (f64.const 6755399441055744))))
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (local.set $at2 (f64x2.add (local.get $at2) (local.get $subRow)))
            (local.set $first (i32.add (local.get $first) (i32.const 1)))
            (br_if $next (i32.lt_s (local.get $first) (local.get $stop))))))
      (if (i32.lt_s (local.get $first) (local.get $end))
        (then
          ;; The part below the middle corner.
          (local.set $x
            (v128.bitselect
              (f64x2.splat (f64x2.extract_lane 0 (local.get $pb)))
              (local.get $x)
              (local.get $isShort)))
          (local.set $y
            (v128.bitselect
              (f64x2.splat (f64x2.extract_lane 1 (local.get $pb)))
              (local.get $y)
              (local.get $isShort)))
          (local.set $slope
            (v128.bitselect
              (f64x2.splat (f64x2.extract_lane 1 (local.get $shorts)))
              (local.get $slope)
              (local.get $isShort)))
          (local.set $stop (local.get $end))
          (br $part))))

    ;; Then their samples, four at a time.
    (local.set $dxx (f64x2.splat (local.get $dx)))
    (local.set $step01 (f64x2.mul (local.get $dxx) (v128.const f64x2 0 1)))
    (local.set $step23 (f64x2.mul (local.get $dxx) (v128.const f64x2 2 3)))
    (local.set $ids (i32x4.splat (local.get $id)))
    (local.set $pitch (i32.shl (i32.load offset=28 (i32.const 0)) (i32.const 2)))
    (local.set $line
      (i32.add
        (i32.load offset=52 (i32.const 0))
        (i32.mul (local.get $row) (local.get $pitch))))
    (local.set $toIds
      (i32.sub (i32.load offset=56 (i32.const 0)) (i32.load offset=52 (i32.const 0))))
    (loop $nextRow
      (local.set $at (i32.load (local.get $spans)))
      (local.set $count (i32.sub (i32.load offset=8 (local.get $spans)) (local.get $at)))
      (if (i32.gt_s (local.get $count) (i32.const 0))
        (then
          (local.set $z
            (f64x2.splat
              (f64.add
                (f64.add
                  (local.get $base)
                  (f64.mul
                    (local.get $dx)
                    (f64.add
                      (f64.convert_i32_s (local.get $at))
                      (f64.load offset=144
                        (i32.shl (i32.and (local.get $row) (i32.const 3)) (i32.const 3))))))
                (f64.mul (local.get $dy) (local.get $yRow)))))
          (local.set $at (i32.add (local.get $line) (i32.shl (local.get $at) (i32.const 2))))
          (local.set $low (f64x2.add (local.get $z) (local.get $step01)))
          (local.set $high (f64x2.add (local.get $z) (local.get $step23)))
          (local.set $old (v128.load (local.get $at)))
          (local.set $mask
            (v128.and
              (i32x4.lt_s (v128.const i32x4 0 1 2 3) (i32x4.splat (local.get $count)))
              (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27
                (f64x2.ge (local.get $low) (f64x2.promote_low_f32x4 (local.get $old)))
                (f64x2.ge (local.get $high)
                  (f64x2.promote_low_f32x4
                    (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15
                      (local.get $old) (local.get $old)))))))
          (v128.store (local.get $at)
            (v128.bitselect
              (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
                (f32x4.demote_f64x2_zero (local.get $low))
                (f32x4.demote_f64x2_zero (local.get $high)))
              (local.get $old)
              (local.get $mask)))
          (local.set $claim (i32.add (local.get $at) (local.get $toIds)))
          (v128.store (local.get $claim)
            (v128.bitselect
              (local.get $ids)
              (v128.load (local.get $claim))
              (local.get $mask)))
          (if (i32.gt_s (local.get $count) (i32.const 4))
            (then
              (local.set $steps (v128.const f64x2 4 5))
              (loop $four
                (local.set $at (i32.add (local.get $at) (i32.const 16)))
                (local.set $count (i32.sub (local.get $count) (i32.const 4)))
                (local.set $low
                  (f64x2.add (local.get $z) (f64x2.mul (local.get $dxx) (local.get $steps))))
                (local.set $steps (f64x2.add (local.get $steps) (f64x2.splat (f64.const 2))))
                (local.set $high
                  (f64x2.add (local.get $z) (f64x2.mul (local.get $dxx) (local.get $steps))))
                (local.set $steps (f64x2.add (local.get $steps) (f64x2.splat (f64.const 2))))
                (local.set $old (v128.load (local.get $at)))
                (local.set $mask
                  (v128.and
                    (i32x4.lt_s (v128.const i32x4 0 1 2 3) (i32x4.splat (local.get $count)))
                    (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27
                      (f64x2.ge (local.get $low) (f64x2.promote_low_f32x4 (local.get $old)))
                      (f64x2.ge (local.get $high)
                        (f64x2.promote_low_f32x4
                          (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15
                            (local.get $old) (local.get $old)))))))
                (if (v128.any_true (local.get $mask))
                  (then
                    (v128.store (local.get $at)
                      (v128.bitselect
                        (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23
                          (f32x4.demote_f64x2_zero (local.get $low))
                          (f32x4.demote_f64x2_zero (local.get $high)))
                        (local.get $old)
                        (local.get $mask)))
                    (local.set $claim (i32.add (local.get $at) (local.get $toIds)))
                    (v128.store (local.get $claim)
                      (v128.bitselect
                        (local.get $ids)
                        (v128.load (local.get $claim))
                        (local.get $mask)))))
                (br_if $four (i32.gt_s (local.get $count) (i32.const 4))))))))
      (local.set $yRow (f64.add (local.get $yRow) (f64.load offset=136 (i32.const 0))))
      (local.set $line (i32.add (local.get $line) (local.get $pitch)))
      (local.set $spans (i32.add (local.get $spans) (i32.const 16)))
      (local.set $row (i32.add (local.get $row) (i32.const 1)))
      (br_if $nextRow (i32.lt_s (local.get $row) (local.get $end)))))

  ;; The first sub-row whose samples lie at or below $y, which is less than the height.
  (func $firstRow (param $y f64) (param $samples f64) (result i32)
    (if (result i32) (f64.gt (local.get $y) (f64.const 0))
      (then
        (i32.trunc_sat_f64_s
          (f64.ceil (f64.sub (f64.mul (local.get $y) (local.get $samples)) (f64.const 0.5)))))
      (else (i32.const 0))))

  ;; The column of pixels that $x lies in, or the nearest one of the image.
  (func $clampPixel (param $x f64) (result i32)
    (if (result i32) (f64.gt (local.get $x) (f64.const 0))
      (then
        (if (result i32) (f64.lt (local.get $x) (f64.load offset=112 (i32.const 0)))
          (then (i32.trunc_sat_f64_s (local.get $x)))
          (else (i32.sub (i32.load offset=28 (i32.const 0)) (i32.const 1)))))
      (else (i32.const 0))))

  ;; DepthTiles.hides of ../depth-tiles.ts: whether all samples of the tiles that touch a rectangle of pixels
  ;; (inclusive) are nearer than $nearest.
  (func $hides
    (param $xMin i32) (param $xMax i32) (param $yMin i32) (param $yMax i32) (param $nearest f64)
    (result i32)
    (local $row i32) (local $rowEnd i32) (local $column i32) (local $columnEnd i32)
    (local $columns i32) (local $bounds i32) (local $farthest i32) (local $depths i32) (local $at i32)
    (local.set $columns (i32.load offset=40 (i32.const 0)))
    (local.set $bounds (i32.load offset=44 (i32.const 0)))
    (local.set $farthest (i32.load offset=48 (i32.const 0)))
    (local.set $depths (i32.load offset=52 (i32.const 0)))
    (local.set $row (i32.shr_u (local.get $yMin) (i32.const 2)))
    (local.set $rowEnd (i32.shr_u (local.get $yMax) (i32.const 2)))
    (local.set $columnEnd (i32.shr_u (local.get $xMax) (i32.const 2)))
    (loop $nextRow
      (local.set $column (i32.shr_u (local.get $xMin) (i32.const 2)))
      (loop $nextTile
        (local.set $at
          (i32.shl
            (i32.add (i32.mul (local.get $row) (local.get $columns)) (local.get $column))
            (i32.const 2)))
        (if (f64.ge (local.get $nearest)
              (f64.promote_f32 (f32.load (i32.add (local.get $bounds) (local.get $at)))))
          (then
            (if (f64.ge (local.get $nearest)
                  (f64.promote_f32 (f32.load (i32.add (local.get $depths)
                    (i32.shl (i32.load (i32.add (local.get $farthest) (local.get $at)))
                      (i32.const 2))))))
              (then (return (i32.const 0))))
            (call $look (local.get $row) (local.get $column) (local.get $at))
            (if (f64.ge (local.get $nearest)
                  (f64.promote_f32 (f32.load (i32.add (local.get $bounds) (local.get $at)))))
              (then (return (i32.const 0))))))
        (local.set $column (i32.add (local.get $column) (i32.const 1)))
        (br_if $nextTile (i32.le_u (local.get $column) (local.get $columnEnd))))
      (local.set $row (i32.add (local.get $row) (i32.const 1)))
      (br_if $nextRow (i32.le_u (local.get $row) (local.get $rowEnd))))
    (i32.const 1))

  ;; Renews the bound of the tile whose entries are $at bytes into the arrays. Positive floats are in the order
  ;; of their bits. Lanes beyond the image's last column count as infinitely near.
  (func $look (param $row i32) (param $column i32) (param $at i32)
    (local $samples i32) (local $width i32) (local $line i32) (local $lines i32) (local $address i32)
    (local $beyond v128) (local $bits v128) (local $isLess v128)
    (local $bound v128) (local $where v128) (local $cells v128)
    (local $least i32) (local $index i32)
    (local.set $samples (i32.load offset=36 (i32.const 0)))
    (local.set $width (i32.load offset=28 (i32.const 0)))
    (local.set $lines (i32.sub (i32.load offset=32 (i32.const 0))
      (i32.shl (local.get $row) (i32.const 2))))
    (if (i32.gt_s (local.get $lines) (i32.const 4)) (then (local.set $lines (i32.const 4))))
    (local.set $lines (i32.mul (local.get $lines) (local.get $samples)))
    (local.set $line
      (i32.add
        (i32.mul (i32.mul (i32.shl (local.get $row) (i32.const 2)) (local.get $samples))
          (local.get $width))
        (i32.shl (local.get $column) (i32.const 2))))
    (local.set $beyond
      (v128.and
        (i32x4.ge_s
          (i32x4.add
            (i32x4.splat (i32.shl (local.get $column) (i32.const 2)))
            (v128.const i32x4 0 1 2 3))
          (i32x4.splat (local.get $width)))
        (i32x4.splat (i32.const 0x7fffffff))))
    (local.set $address (i32.add (i32.load offset=52 (i32.const 0))
      (i32.shl (local.get $line) (i32.const 2))))
    (local.set $cells (i32x4.add (i32x4.splat (local.get $line)) (v128.const i32x4 0 1 2 3)))
    (local.set $where (local.get $cells))
    (local.set $bound (i32x4.splat (i32.const 0x7fffffff)))
    (loop $next
      (local.set $bits
        (i32x4.max_s (v128.load (local.get $address)) (local.get $beyond)))
      (local.set $isLess (i32x4.lt_s (local.get $bits) (local.get $bound)))
      (local.set $bound (i32x4.min_s (local.get $bits) (local.get $bound)))
      (local.set $where
        (v128.bitselect (local.get $cells) (local.get $where) (local.get $isLess)))
      (local.set $address
        (i32.add (local.get $address) (i32.shl (local.get $width) (i32.const 2))))
      (local.set $cells (i32x4.add (local.get $cells) (i32x4.splat (local.get $width))))
      (local.set $lines (i32.sub (local.get $lines) (i32.const 1)))
      (br_if $next (local.get $lines)))
    (local.set $least (i32x4.extract_lane 0 (local.get $bound)))
    (local.set $index (i32x4.extract_lane 0 (local.get $where)))
    (if (i32.lt_s (i32x4.extract_lane 1 (local.get $bound)) (local.get $least))
      (then
        (local.set $least (i32x4.extract_lane 1 (local.get $bound)))
        (local.set $index (i32x4.extract_lane 1 (local.get $where)))))
    (if (i32.lt_s (i32x4.extract_lane 2 (local.get $bound)) (local.get $least))
      (then
        (local.set $least (i32x4.extract_lane 2 (local.get $bound)))
        (local.set $index (i32x4.extract_lane 2 (local.get $where)))))
    (if (i32.lt_s (i32x4.extract_lane 3 (local.get $bound)) (local.get $least))
      (then
        (local.set $least (i32x4.extract_lane 3 (local.get $bound)))
        (local.set $index (i32x4.extract_lane 3 (local.get $where)))))
    (i32.store (i32.add (i32.load offset=44 (i32.const 0)) (local.get $at)) (local.get $least))
    (i32.store (i32.add (i32.load offset=48 (i32.const 0)) (local.get $at)) (local.get $index))))
