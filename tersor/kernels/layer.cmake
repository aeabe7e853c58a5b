# oneDNN runs on OpenMP; the kernels set its number of threads.
if(TERSOR_ONEDNN)
  target_link_libraries(tersor_kernels PUBLIC gomp)
endif()
